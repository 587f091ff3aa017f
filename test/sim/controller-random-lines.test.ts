import { describe, expect, it } from "vitest";
import { VirtualQueueController } from "../../packages/shared/src/aggregate/virtual-queue-controller.ts";
import type { Random } from "../../packages/shared/src/units.ts";
import { type Outcome, runSituation, type Situation } from "../support/controller-rig.ts";
import { seededRandom } from "../support/random.ts";

/** Lines on which nothing was tuned: 10 of each kind, 2-100 Mbit/s, RTT 10-160 ms, buffers of 60 ms to 1.5 s. */
const COUNT = 10;

function logarithmic(random: Random, low: number, high: number): number {
  return low * (high / low) ** random();
}

type Change = (situation: Situation, random: Random) => Situation;

function runAll(seed: number, change: Change): Outcome[] {
  const random = seededRandom(seed);
  return Array.from({ length: COUNT }, (_, index) => {
    const rateKbps = logarithmic(random, 2000, 100_000);
    const delayMs = logarithmic(random, 10, 160) / 2;
    const line = { rateKbps, delayMs, queueMs: logarithmic(random, 60, 1500) };
    const plain: Situation = { name: "random", line, backMs: delayMs, runMs: 13_000, fromMs: 3000 };
    return runSituation(change(plain, random), () => new VirtualQueueController(), seed + index);
  });
}

function sorted(values: number[]): number[] {
  return values.sort((a, b) => a - b);
}

const withPdv =
  (reorders: boolean): Change =>
  (situation, random) => {
    const pdvMs = logarithmic(random, 1, 20);
    const delayMs = (situation.line.delayMs ?? 0) + pdvMs;
    return { ...situation, line: { ...situation.line, pdvMs, delayMs, reorders } };
  };

const withLoss: Change = (situation, random) => {
  return { ...situation, line: { ...situation.line, lossRatio: logarithmic(random, 0.002, 0.08) } };
};

const policed: Change = (situation, random) => {
  const kbps = situation.line.rateKbps ?? 0;
  const policer = { kbps, burstBytes: logarithmic(random, 10_000, 500_000) };
  return { ...situation, line: { ...situation.line, rateKbps: 4 * kbps }, policer, capacityKbps: () => kbps };
};

const wandering: Change = (situation, random) => {
  const highKbps = situation.line.rateKbps ?? 0;
  const periodMs = logarithmic(random, 2500, 15_000);
  const rateAtMs = (nowMs: number) => highKbps * (0.625 + 0.375 * Math.sin((2 * Math.PI * nowMs) / periodMs));
  return { ...situation, line: { ...situation.line, rateAtMs } };
};

describe("VirtualQueueController on lines drawn by lot", () => {
  it.each([
    { kind: "clean", change: (plain: Situation) => plain, leastUse: 0.97, usualUse: 0.99, mostQueueMs: 25 },
    { kind: "with loss of 0.2-8 %", change: withLoss, leastUse: 0.96, usualUse: 0.98, mostQueueMs: 40 },
    { kind: "with PDV of 1-20 ms in order", change: withPdv(false), leastUse: 0.9, usualUse: 0.97, mostQueueMs: 150 },
    {
      kind: "with PDV of 1-20 ms, reordering",
      change: withPdv(true),
      leastUse: 0.95,
      usualUse: 0.98,
      mostQueueMs: 150,
    },
    { kind: "policed to a quarter", change: policed, leastUse: 0.95, usualUse: 0.97, mostQueueMs: 25 },
    { kind: "wandering 4x in 2.5-15 s", change: wandering, leastUse: 0.95, usualUse: 0.98, mostQueueMs: 100 },
  ])("fills lines $kind", ({ change, leastUse, usualUse, mostQueueMs }) => {
    const outcomes = runAll(5150, change);
    const use = sorted(outcomes.map((outcome) => outcome.use));
    const queueMs = sorted(outcomes.map((outcome) => outcome.queueP95Ms));
    expect(use[0]).toBeGreaterThan(leastUse);
    expect(use[COUNT / 2]).toBeGreaterThan(usualUse);
    expect(queueMs[COUNT - 1]).toBeLessThan(mostQueueMs);
  });
});
