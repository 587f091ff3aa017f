import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memberChange } from "../support/bond-watch.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { type BondPair, withPair } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { type ProbeRecord, type ProbeStatistics, startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { sleep } from "../support/wait.ts";

const DELAY_MS = 25;
/** To an RTT of 2 s. */
const EXTRA_DELAY_MS = 975;
const SPIKE_MS = 1500;
/** Promised is 1 s; the rest is for a machine that does other things too. */
const OUT_MS = 1500;
/** upDelay is 0; what waits in the line is a second late. */
const IN_MS = 4000;
const MAX_HOLD_MS = 250;
/** Below what eviction takes: a flow that waits for the slow line is far above it. */
const NOTICE_MS = 50;

/** Three lines of 20/20 Mbit/s, 25 ms; the first one's cell becomes congested. */
describe.skipIf(!isRoot())("a line whose RTT jumps to 2 s", () => {
  let topology: Topology;
  let lines: LineEmulation;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3 });
    lines = await startLines(
      topology,
      [1, 2, 3].map(() => line(20_000, 20_000, DELAY_MS)),
    );
  });
  afterAll(async () => {
    await lines?.stop();
    topology?.remove();
  });

  interface Spike {
    readonly outMs: number;
    readonly inMs: number;
    /** Of each call, while the line was slow. */
    readonly calls: readonly ProbeStatistics[];
    /** The usual RTT of each call, before. */
    readonly usualMs: readonly number[];
  }

  /** Spikes line 1 under so many calls for a while. */
  async function spike(pair: BondPair, callCount: number): Promise<Spike> {
    const ports = Array.from({ length: callCount }, (_, index) => 5300 + index);
    const calls = await Promise.all(
      ports.map((port) => startProbe(topology.lan, topology.server, ADDRESSES.server, port, 500)),
    );
    await sleep(600); // what the calls are used to
    const [fromMs, sinceMs] = [monotonicMs(), Date.now()];
    await lines.set(0, { extraDelayMs: EXTRA_DELAY_MS });
    const out = await memberChange(pair, "isp1", "out", sinceMs);
    await sleep(Math.max(0, SPIKE_MS - (Date.now() - sinceMs)));
    const [toMs, calmMs] = [monotonicMs(), Date.now()];
    await lines.set(0, { extraDelayMs: 0 });
    const back = await memberChange(pair, "isp1", "in", calmMs);
    const records = await Promise.all(calls.map((each) => each.stop()));
    const within = (window: { fromMs: number; toMs: number }) =>
      records.map((record: ProbeRecord) => summarizeProbe(record, window));
    return {
      outMs: out.afterMs,
      inMs: back.afterMs,
      calls: within({ fromMs, toMs }),
      usualMs: within({ fromMs: 0, toMs: fromMs }).map(({ rttP50Ms }) => rttP50Ms ?? Number.NaN),
    };
  }

  const withPolicy = (policy: string, use: (pair: BondPair) => Promise<void>) =>
    withPair(topology, { bonding: { defaultBondingPolicy: policy } }, use);

  it("leaves balance-xor; of three calls on three lines, those on the others notice nothing", async () => {
    await withPolicy("balance-xor", async (pair) => {
      const { outMs, inMs, calls, usualMs } = await spike(pair, 3);
      expect(outMs).toBeLessThanOrEqual(OUT_MS);
      expect(inMs).toBeLessThanOrEqual(IN_MS);
      // Each line carries one call in each direction: one or two of the three use the slow one.
      const undisturbed = calls.filter(({ rttP95Ms }, index) => (rttP95Ms ?? 0) <= (usualMs[index] ?? 0) + NOTICE_MS);
      expect(undisturbed.length).toBeGreaterThanOrEqual(1);
      expect(Math.min(...undisturbed.map(({ lost }) => lost))).toBe(0);
      for (const { longestGapMs } of calls) expect(longestGapMs).toBeLessThan(OUT_MS);
    });
  });

  it("leaves broadcast unnoticed", async () => {
    await withPolicy("broadcast", async (pair) => {
      const { outMs, inMs, calls, usualMs } = await spike(pair, 1);
      expect(outMs).toBeLessThanOrEqual(OUT_MS);
      expect(inMs).toBeLessThanOrEqual(IN_MS);
      expect(calls[0]).toMatchObject({ lost: 0, duplicates: 0 });
      expect(calls[0]?.reordered).toBeLessThanOrEqual(2);
      expect(calls[0]?.rttP95Ms).toBeLessThan((usualMs[0] ?? 0) + NOTICE_MS);
    });
  });

  it("leaves balance-rr, where the frames of the other lines do not wait longer than maxHoldMs", async () => {
    await withPolicy("balance-rr", async (pair) => {
      const { outMs, inMs, calls } = await spike(pair, 1);
      expect(outMs).toBeLessThanOrEqual(OUT_MS);
      expect(inMs).toBeLessThanOrEqual(IN_MS);
      expect(calls[0]).toMatchObject({ lost: 0, duplicates: 0 });
      expect(calls[0]?.longestGapMs).toBeLessThan(MAX_HOLD_MS + 150);
    });
  });
});
