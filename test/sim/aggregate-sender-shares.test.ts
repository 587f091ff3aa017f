import { describe, expect, it } from "vitest";
import type { LineSettings } from "../support/virtual-network.ts";
import { AggregateBond, type BondLine } from "./aggregate-bond.ts";

const WARM_UP_MS = 3_000;
const END_MS = 9_000;

function line(rateKbps: number, delayMs: number, more: Partial<LineSettings> = {}): BondLine {
  return { forward: { rateKbps, delayMs, queueMs: 300, ...more } };
}

const radio = { lossRatio: 0.005, reorders: true };

/** Lines, the least share of their sum, and the redundancy that their loss allows. */
const scenarios: readonly [name: string, lines: readonly BondLine[], leastShare: number, mostCopies: number][] = [
  ["20 + 20 + 20, 25 ms", [line(20_000, 25), line(20_000, 25), line(20_000, 25)], 0.97, 0.05],
  ["100/20 ms + 8/60 ms", [line(100_000, 20), line(8_000, 60)], 0.97, 0.05],
  [
    "30/15 + 20/25 + 12/45 ± 15 ms, 0.3 % lost",
    [line(30_000, 15), line(20_000, 25), line(12_000, 45, { pdvMs: 15, lossRatio: 0.003 })],
    0.95,
    0.035,
  ],
  ["50/20 ms + 50/320 ms", [line(50_000, 20), line(50_000, 320)], 0.97, 0.05],
  [
    "40/30 ± 5 + 25/45 ± 8 ms, 0.5 % lost, reordering",
    [line(40_000, 30, { pdvMs: 5, ...radio }), line(25_000, 45, { pdvMs: 8, ...radio })],
    0.95,
    0.035,
  ],
  [
    "50 + 50, 20 ms, 2 % lost",
    [line(50_000, 20, { lossRatio: 0.02 }), line(50_000, 20, { lossRatio: 0.02 })],
    0.95,
    0.05,
  ],
];

function sumOf(lines: readonly BondLine[]): number {
  return lines.reduce((sum, { forward }) => sum + (forward.rateKbps ?? 0), 0);
}

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** A call and a source that never runs dry, from an idle bond. */
function run(lines: readonly BondLine[], seed: number): AggregateBond {
  const bond = new AggregateBond(lines, seed);
  // What a TCP keeps waiting: enough that it pays to use the slowest path.
  bond.backlogMs = lines.some(({ forward }) => (forward.delayMs ?? 0) > 200) ? 170 : 40;
  bond.run(500);
  bond.startGreedy();
  bond.startProbes(END_MS - 500);
  bond.run(END_MS);
  return bond;
}

describe("the sum of the lines", () => {
  const rows: string[] = [];

  it.each(scenarios)("%s", (name, lines, leastShare, mostCopies) => {
    const bond = run(lines, 1);
    const share = bond.shareOf(sumOf(lines), WARM_UP_MS, END_MS);
    const delays = [...bond.probeDelaysMs].sort((a, b) => a - b);
    const copies = bond.copiesBytes / bond.deliveredBytes;
    const feedback = bond.recorder.messageBytes / bond.deliveredBytes;
    const shares = lines.map((_line, path) => bond.sender.figures(path, bond.network.nowMs)?.shareRatio ?? 0);
    const lost = bond.probesSent - delays.length;
    rows.push(
      [
        `${name}:`,
        `${Math.round(share * 100)} % of the sum,`,
        `by path ${shares.map((part) => Math.round(part * 100)).join(" ")} %,`,
        `call ${Math.round(percentile(delays, 0.5))}/${Math.round(percentile(delays, 0.99))} ms p50/p99 ${lost} lost,`,
        `copies ${(copies * 100).toFixed(1)} %, feedback ${(feedback * 100).toFixed(2)} %`,
      ].join(" "),
    );
    expect(share).toBeGreaterThan(leastShare);
    expect(copies).toBeLessThan(mostCopies);
    expect(feedback).toBeLessThan(0.02);
    expect(bond.freeSlots).toBeGreaterThan(0);
  });

  it("as a table", () => {
    expect(rows).toMatchInlineSnapshot(`
      [
        "20 + 20 + 20, 25 ms: 99 % of the sum, by path 33 33 33 %, call 37/38 ms p50/p99 0 lost, copies 0.4 %, feedback 0.16 %",
        "100/20 ms + 8/60 ms: 99 % of the sum, by path 93 7 %, call 32/32 ms p50/p99 0 lost, copies 0.2 %, feedback 0.08 %",
        "30/15 + 20/25 + 12/45 ± 15 ms, 0.3 % lost: 99 % of the sum, by path 49 32 19 %, call 28/28 ms p50/p99 0 lost, copies 0.5 %, feedback 0.16 %",
        "50/20 ms + 50/320 ms: 99 % of the sum, by path 50 50 %, call 32/32 ms p50/p99 0 lost, copies 0.2 %, feedback 0.09 %",
        "40/30 ± 5 + 25/45 ± 8 ms, 0.5 % lost, reordering: 98 % of the sum, by path 62 38 %, call 49/118 ms p50/p99 0 lost, copies 1.4 %, feedback 0.19 %",
        "50 + 50, 20 ms, 2 % lost: 99 % of the sum, by path 50 50 %, call 32/33 ms p50/p99 0 lost, copies 2.2 %, feedback 0.14 %",
      ]
    `);
  });
});

describe("a bad line beside a good one", () => {
  it.each([
    ["ten times slower", line(5_000, 20)],
    ["with 300 ms more delay", line(50_000, 320)],
    ["slow, far and lossy", line(2_000, 200, { lossRatio: 0.05, pdvMs: 20 })],
  ])("%s never makes it slower", (_what, bad) => {
    const good = line(50_000, 20);
    const alone = run([good], 3).shareOf(50_000, WARM_UP_MS, END_MS);
    const both = run([good, bad], 3);
    expect(both.shareOf(50_000, WARM_UP_MS, END_MS)).toBeGreaterThan(alone * 0.995);
    // Nor does it delay a call, which goes by the good one.
    const delays = [...both.probeDelaysMs].sort((a, b) => a - b);
    expect(percentile(delays, 0.95)).toBeLessThan(20 + 20);
  });

  it("and the same seed is the same run", () => {
    const lines = scenarios[4]?.[1] ?? [];
    const [first, second, other] = [run(lines, 5), run(lines, 5), run(lines, 6)];
    expect(second.deliveredBy100Ms).toEqual(first.deliveredBy100Ms);
    expect(other.deliveredBy100Ms).not.toEqual(first.deliveredBy100Ms);
  });
});

describe("typed speeds", () => {
  it("are never exceeded, neither in the start nor when the line looks empty, and are used in full", () => {
    const lines = [50_000, 50_000].map((rateKbps) => ({ forward: { rateKbps, delayMs: 20 } }));
    const bond = new AggregateBond(lines, 3, undefined, [10_000, null]);
    bond.startGreedy();
    const sentBytes = () => bond.forward[0]?.counters.deliveredBytes ?? 0;
    let before = 0;
    for (let ms = 100; ms <= 6_000; ms += 100) {
      bond.run(ms);
      // 12 ms of it may go in a burst.
      expect((sentBytes() - before) * 8).toBeLessThan(10_000 * 115);
      before = sentBytes();
    }
    expect((sentBytes() * 8) / 6_000).toBeGreaterThan(9_500);
    expect(bond.shareOf(60_000, 2_000, 6_000)).toBeGreaterThan(0.97);
  });
});
