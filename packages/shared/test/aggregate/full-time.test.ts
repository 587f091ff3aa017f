import { expect, it } from "vitest";
import { FullTime } from "../../src/aggregate/index.ts";

const EVERY_MS = 100;

/** Samples of one kind for so long, one kind after the other. */
function after(spans: readonly (readonly [isFull: boolean, ms: number])[], time = new FullTime(), fromMs = 0): number {
  let nowMs = fromMs;
  for (const [isFull, ms] of spans) {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += EVERY_MS;
      time.sample(isFull, nowMs);
    }
  }
  return time.ms;
}

it("goes on over the moments in which a sender that has found the rate lets go", () => {
  const withDrains = Array.from({ length: 10 }, () => [[true, 800] as const, [false, 200] as const]).flat();
  expect(after(withDrains)).toBeGreaterThan(4_500);
});

it("is over when the lines have not been full for as long as they were, or for five seconds", () => {
  const span = (fullMs: number, restMs: number) =>
    after([
      [false, 100],
      [true, fullMs],
      [false, restMs],
    ]);
  expect(span(2_000, 1_500)).toBe(500);
  expect(span(3_600_000, 5_000)).toBe(0);
});

it("does not add up for a sender that fills the lines now and then", () => {
  const bursts = Array.from({ length: 100 }, () => [[true, 400] as const, [false, 600] as const]).flat();
  expect(after(bursts)).toBe(0);
});

it("is over after a pause in which nobody asked: the next connection has found nothing yet", () => {
  const time = new FullTime();
  after([[true, 20_000]], time);
  time.sample(true, 60_000);
  expect(time.ms).toBeLessThan(500);
});
