import { describe, expect, it } from "vitest";
import { AggregateBond, type BondLine } from "./aggregate-bond.ts";

const FAULT_MS = 3_000;
const END_MS = 9_000;

function lines(count: number): BondLine[] {
  return Array.from({ length: count }, () => ({ forward: { rateKbps: 20_000, delayMs: 25, queueMs: 300 } }));
}

/** A source that never runs dry, and a call of 200 packets a second. */
function loaded(count: number, seed: number): AggregateBond {
  const bond = new AggregateBond(lines(count), seed);
  bond.run(500);
  bond.startGreedy();
  bond.startProbes(END_MS - 200);
  return bond;
}

/** What the call noticed: packets lost, the longest silence, the latest packet. */
function callOf(bond: AggregateBond) {
  const arrivals = bond.probeArrivalsMs.filter((ms) => ms > 1_000);
  const gaps = arrivals.map((ms, i) => ms - (arrivals[i - 1] ?? ms));
  return {
    lost: bond.probesSent - bond.probeDelaysMs.length,
    gapMs: Math.max(...gaps),
    latestMs: Math.max(...bond.probeDelaysMs),
  };
}

function delayBoth(bond: AggregateBond, path: number, delayMs: number): void {
  for (const line of [bond.forward[path], bond.back[path]]) if (line !== undefined) line.settings.delayMs = delayMs;
}

describe("at full load", () => {
  it.each([1, 2, 3])("a line that dies is not heard in a call, and the rest is full 0.2 s later (seed %i)", (seed) => {
    const bond = loaded(2, seed);
    bond.network.at(FAULT_MS + seed, () => bond.blackhole(0, true));
    bond.network.at(FAULT_MS + 3_000, () => bond.blackhole(0, false));
    bond.run(END_MS);
    const call = callOf(bond);
    expect(call.lost).toBe(0);
    expect(call.gapMs).toBeLessThan(60);
    expect(call.latestMs).toBeLessThan(60);
    expect(bond.shareOf(20_000, FAULT_MS + 200, FAULT_MS + 3_000)).toBeGreaterThan(0.95);
    // Found, and all that was under way on it sent again, within a round trip and 50 ms.
    const first = bond.events.find(({ event }) => event.type !== "line-phase");
    expect(first?.event).toMatchObject({ type: "path-suspect", path: 0 });
    expect((first?.atMs ?? 0) - FAULT_MS).toBeLessThan(62 + 50);
    const { reinjected, saved } = bond.sender.figures(0, END_MS)?.counters ?? { reinjected: 0, saved: 0 };
    expect(saved).toBeGreaterThanOrEqual(reinjected);
    expect(reinjected).toBeGreaterThan(50);
    // 2.5 s after its return at the latest both are full again.
    expect(bond.shareOf(40_000, FAULT_MS + 5_500, END_MS)).toBeGreaterThan(0.9);
    expect(bond.sender.totals().givenUp).toEqual({ "too-old": 0, "too-many-tries": 0 });
  });

  it("a line whose delay jumps to 2 s costs its own share only, and comes back", () => {
    const bond = loaded(3, 4);
    bond.network.at(FAULT_MS, () => delayBoth(bond, 0, 2_000));
    bond.network.at(FAULT_MS + 2_000, () => delayBoth(bond, 0, 25));
    bond.run(END_MS);
    const call = callOf(bond);
    expect(call.lost).toBe(0);
    expect(call.gapMs).toBeLessThan(60);
    expect(call.latestMs).toBeLessThan(60);
    expect(bond.shareOf(40_000, FAULT_MS + 200, FAULT_MS + 2_000)).toBeGreaterThan(0.95);
    expect(bond.shareOf(60_000, END_MS - 1_000, END_MS)).toBeGreaterThan(0.95);
    // What was under way came after all, and was told twice to nobody.
    expect(bond.sender.figures(0, END_MS)?.counters.late).toBeGreaterThan(50);
  });

  it("a line that comes and goes every 2 s leaves the other as good as alone", () => {
    const bond = loaded(2, 5);
    for (const ms of [1_500, 5_500]) {
      bond.network.at(ms, () => bond.blackhole(0, true));
      bond.network.at(ms + 2_000, () => bond.blackhole(0, false));
    }
    bond.run(END_MS);
    const call = callOf(bond);
    expect(call.lost).toBe(0);
    expect(call.gapMs).toBeLessThan(60);
    for (const ms of [1_500, 5_500]) expect(bond.shareOf(20_000, ms + 200, ms + 2_000)).toBeGreaterThan(0.95);
  });

  it("without a word from the far end frames go by fixed shares, and feedback brings the windows back", () => {
    const bond = loaded(2, 6);
    for (const line of bond.back) line.settings.blackholed = true;
    bond.run(5_000);
    expect(bond.events.map(({ event }) => event.type)).toContain("feedback-missing");
    expect(bond.sender.totals().usesFixedShares).toBe(true);
    for (const line of bond.back) line.settings.blackholed = false;
    bond.run(END_MS);
    expect(bond.events.map(({ event }) => event.type)).toContain("feedback-back");
    expect(bond.shareOf(40_000, END_MS - 2_000, END_MS)).toBeGreaterThan(0.9);
  });

  it("a fifth of the feedback may be lost", () => {
    const bond = loaded(2, 7);
    for (const line of bond.back) line.settings.lossRatio = 0.2;
    bond.run(END_MS);
    expect(bond.shareOf(40_000, FAULT_MS, END_MS)).toBeGreaterThan(0.95);
    expect(bond.copiesBytes / bond.deliveredBytes).toBeLessThan(0.05);
  });
});
