import { describe, expect, it } from "vitest";
import { VirtualQueueController } from "../../packages/shared/src/aggregate/virtual-queue-controller.ts";
import { runSituation, type Situation } from "../support/controller-rig.ts";

/** Two hosts side by side with more to do than processors: threads are held up, and clocks read too early or too late. */
const SHORT: Situation = {
  name: "1 Gbit, 0.2 ms",
  line: { rateKbps: 1_000_000, delayMs: 0.1, queueMs: 50 },
  backMs: 0.1,
  runMs: 1500,
  fromMs: 1000,
  feedbackMs: 2,
  tickMs: 1,
};
/** What acknowledges a fast download. */
const ACKNOWLEDGEMENTS = { source: () => 8000, packetBytes: 100, capacityKbps: () => 8000 };
/** For 3 ms, once or every 200 ms. */
const early = (byMs: number) => (nowMs: number) => (nowMs > 500 && nowMs < 503 ? -byMs : 0);
const earlyAgain = (byMs: number) => (nowMs: number) => (nowMs % 200 < 3 ? -byMs : 0);

function use(situation: Partial<Situation>): number {
  return runSituation({ ...SHORT, ...situation }, () => new VirtualQueueController(), 1).use;
}

describe("a path whose hosts are held up", () => {
  it("is not thought full because arrivals seemed to be early", () => {
    expect(use({ clockErrorMs: early(30) })).toBeGreaterThan(0.95);
    expect(use({ clockErrorMs: earlyAgain(13) })).toBeGreaterThan(0.95);
  });

  it("carries acknowledgements all the same", () => {
    expect(use({ ...ACKNOWLEDGEMENTS, clockErrorMs: early(30) })).toBeGreaterThan(0.95);
  });

  it("is used in full although its feedback comes in bunches", () => {
    expect(use({ feedbackBunchMs: 8 })).toBeGreaterThan(0.9);
  });
});
