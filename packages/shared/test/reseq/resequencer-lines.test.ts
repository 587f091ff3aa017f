import { describe, expect, it } from "vitest";
import { type LineSettings, VirtualNetwork } from "../../../../test/support/virtual-network.ts";
import { type Frame, Harness } from "./harness.ts";

interface Run {
  readonly lines: readonly Partial<LineSettings>[];
  readonly framesPerSecond: number;
  readonly seconds: number;
  readonly seed?: number;
  readonly maxHoldMs?: number;
  readonly maxHeldFrames?: number;
  readonly copies?: boolean;
  readonly firstSequence?: number;
}

/** One flow over several lines in turn (or over all, with copies), put in order by a resequencer. */
function run({ lines, framesPerSecond, seconds, seed = 1, copies = false, firstSequence = 0, ...config }: Run) {
  const network = new VirtualNetwork(seed);
  const harness = new Harness(config, 2 ** lines.length - 1);
  network.add(harness);
  let mostHeld = 0;
  const paths = lines.map((settings) =>
    network.line<Frame>(settings, (frame) => {
      harness.push(frame, network.nowMs);
      mostHeld = Math.max(mostHeld, harness.resequencer.heldFrames);
    }),
  );
  const count = framesPerSecond * seconds;
  for (let n = 0; n < count; n++) {
    network.at((n * 1000) / framesPerSecond, () => {
      for (const [path, line] of paths.entries()) {
        const frame = { flowSlot: 0, sequence: firstSequence + n, path, sentMs: network.nowMs };
        if (copies || n % paths.length === path) line.send(frame, 1400, network.nowMs);
      }
    });
  }
  network.run(seconds * 1000 + 10_000);
  const arrived = paths.reduce((sum, line) => sum + line.counters.delivered, 0);
  return {
    harness,
    count,
    arrived,
    mostHeld,
    counters: harness.resequencer.counters,
    lost: harness.resequencer.skipped,
  };
}

describe("Resequencer over lines", () => {
  it("puts six lines of different delay in order without a loss", () => {
    const lines = [40, 55, 60, 80, 90, 120].map((delayMs) => ({ delayMs, rateKbps: 20_000, pdvMs: 5 }));
    const { harness, count, lost } = run({ lines, framesPerSecond: 4000, seconds: 5, firstSequence: 0xffffff - 9000 });
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.delivered).toHaveLength(count);
    expect(lost.overdue).toBe(0);
  });

  it("finds losses by the rule, not by the clock, and delivers in order", () => {
    const lines = [20, 45, 90].map((delayMs) => ({ delayMs, rateKbps: 50_000, pdvMs: 3, lossRatio: 0.01 }));
    const { harness, arrived, lost, count } = run({ lines, framesPerSecond: 3000, seconds: 10 });
    expect(harness.delivered).toHaveLength(arrived);
    expect(harness.outOfOrder().filter(({ sentMs }) => sentMs > 500)).toEqual([]);
    expect(lost.lost).toBeGreaterThan(0.98 * (count - arrived));
    const slowest = Math.max(...harness.delivered.filter(({ sentMs }) => sentMs > 500).map((d) => d.atMs - d.sentMs));
    expect(slowest).toBeLessThan(90 + 4 * 3 + 10);
  });

  it("restores the order over 2 s of skew at 4000 frames a second when it is allowed to hold that long", () => {
    const lines = [40, 55, 60, 80, 90, 2000].map((delayMs) => ({ delayMs, rateKbps: 20_000 }));
    const config = { maxHoldMs: 2500, maxHeldFrames: 8192 };
    const { harness, count, mostHeld } = run({ lines, framesPerSecond: 4000, seconds: 8, ...config });
    expect(harness.outOfOrder().filter(({ sentMs }) => sentMs > 2500)).toEqual([]);
    expect(harness.delivered).toHaveLength(count);
    expect(mostHeld).toBeGreaterThan(6000);
    expect(harness.refused).toBe(0);
  });

  it("does not let a line that is 2 s late hold up the others, and drops nothing of it", () => {
    const lines = [40, 55, 60, 80, 90, 2000].map((delayMs) => ({ delayMs, rateKbps: 20_000 }));
    const { harness, count } = run({ lines, framesPerSecond: 4000, seconds: 8 });
    expect(harness.delivered).toHaveLength(count);
    const others = harness.delivered.filter(({ path, sentMs }) => path !== 5 && sentMs > 3000);
    expect(Math.max(...others.map(({ atMs, sentMs }) => atMs - sentMs))).toBeLessThan(105);
    expect(harness.outOfOrder().every(({ path, sentMs }) => path === 5 || sentMs < 3000)).toBe(true);
  });

  it("learns how far a line reorders, and does not skip early afterwards", () => {
    const lines = [
      { delayMs: 30, pdvMs: 5, reorders: true },
      { delayMs: 45, pdvMs: 8, reorders: true },
    ];
    const { harness, count, lost } = run({ lines, framesPerSecond: 2000, seconds: 30 });
    expect(harness.delivered).toHaveLength(count);
    const early = harness.outOfOrder().filter(({ sentMs }) => sentMs > 1000);
    expect(early.length).toBeLessThan(count / 10_000);
    expect(lost.overdue).toBeLessThan(count / 10_000);
  });

  it("delivers what all lines carry once, as early as the first copy allows", () => {
    const lines = [30, 60, 90].map((delayMs) => ({ delayMs, lossRatio: 0.05 }));
    const { harness, count, arrived } = run({ lines, framesPerSecond: 1000, seconds: 10, copies: true });
    expect(harness.outOfOrder()).toEqual([]);
    expect(harness.delivered.length).toBeGreaterThan(count * (1 - 2 * 0.05 ** 3) - 3);
    expect(harness.delivered.length + harness.refused).toBe(arrived);
    expect(new Set(harness.sequences()).size).toBe(harness.delivered.length);
  });

  it("goes on within its hold when a line dies and nobody says so", () => {
    const lines = [{ delayMs: 30 }, { delayMs: 50, outages: [[2000, 9000]] as const }];
    const { harness } = run({ lines, framesPerSecond: 1000, seconds: 9 });
    const during = harness.delivered.filter(({ sentMs }) => sentMs > 2000);
    expect(Math.max(...during.map(({ atMs, sentMs }) => atMs - sentMs))).toBeLessThan(30 + 20 + 15);
    // After a second or two without a frame the line is not waited for any more.
    const later = during.filter(({ sentMs }) => sentMs > 4100);
    expect(Math.max(...later.map(({ atMs, sentMs }) => atMs - sentMs))).toBe(30);
  });

  it("keeps the order of bursts after pauses of any length", () => {
    const network = new VirtualNetwork(1);
    const harness = new Harness({}, 0b11);
    network.add(harness);
    const paths = [10, 60].map((delayMs) =>
      network.line<Frame>({ delayMs }, (frame) => harness.push(frame, network.nowMs)),
    );
    let sequence = 0;
    for (const startMs of [0, 1500, 5000, 30_000, 70_000, 104_000, 400_000]) {
      for (let n = 0; n < 200; n++) {
        const path = n % 3 === 0 ? 1 : 0;
        const frame = { flowSlot: 0, sequence: sequence++, path, sentMs: startMs + n / 2 };
        if (n !== 150) network.at(frame.sentMs, () => paths[path]?.send(frame, 1400, network.nowMs));
      }
    }
    network.run(500_000);
    // The very first frame of a flow slot tells where its numbering begins; here it is on the slow line.
    expect(harness.outOfOrder().every((frame) => frame.sequence < 100 && frame.path === 1)).toBe(true);
    expect(harness.outOfOrder().length).toBeLessThanOrEqual(1);
    expect(harness.resequencer.skipped).toEqual({ lost: 7, overdue: 0 });
  });

  it("repeats with the same seed", () => {
    const lines = [20, 60].map((delayMs) => ({ delayMs, pdvMs: 10, lossRatio: 0.02, reorders: true }));
    const settings = { lines, framesPerSecond: 500, seconds: 3 };
    const first = run({ ...settings, seed: 7 }).harness.delivered;
    expect(run({ ...settings, seed: 7 }).harness.delivered).toEqual(first);
    expect(run({ ...settings, seed: 8 }).harness.delivered).not.toEqual(first);
  });
});
