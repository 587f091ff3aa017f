import { expect, it } from "vitest";
import { LossDetector } from "../../src/aggregate/loss-detector.ts";

function reports(detector: LossDetector, count: number, rttMs: (index: number) => number): LossDetector {
  for (let i = 0; i < count; i++) detector.onReport(rttMs(i), rttMs(i), 20 * i);
  return detector;
}

it("takes a path for silent by what it varies usually, not only by how steady it is while it is full", () => {
  const varying = reports(new LossDetector(), 1_000, (i) => 100 + (i % 2) * 30);
  reports(varying, 40, () => 130);
  expect(varying.variationMs).toBeGreaterThan(60);
  expect(varying.variationMs).toBeLessThan(120);
  const steady = reports(new LossDetector(), 440, (i) => 100 + (i % 2));
  expect(steady.variationMs).toBe(25);
});

it("forgets how a path varied that is steady since", () => {
  const detector = reports(new LossDetector(), 1_000, (i) => 100 + (i % 2) * 30);
  expect(reports(detector, 3_000, () => 110).variationMs).toBe(25);
});

it("does not take the queue of a path's start for its usual variation", () => {
  const detector = reports(new LossDetector(), 25, (i) => 50 + 3 * i);
  expect(reports(detector, 50, () => 60).variationMs).toBeLessThan(30);
});
