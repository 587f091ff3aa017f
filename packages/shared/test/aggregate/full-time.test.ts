import { expect, it } from "vitest";
import { FullTime } from "../../src/aggregate/index.ts";

function after(samples: readonly (readonly [isFull: boolean, ms: number])[]): number {
  const time = new FullTime();
  for (const [isFull, ms] of samples) {
    for (let passedMs = 0; passedMs < ms; passedMs += FullTime.everyMs) time.sample(isFull);
  }
  return time.ms;
}

it("goes on over the moments in which a sender that has found the rate lets go", () => {
  const withDrains = Array.from({ length: 10 }, () => [[true, 800] as const, [false, 200] as const]).flat();
  expect(after(withDrains)).toBeGreaterThan(4_500);
});

it("is over when the lines have not been full for as long as they were, or for five seconds", () => {
  expect(
    after([
      [true, 2_000],
      [false, 1_500],
    ]),
  ).toBe(500);
  expect(
    after([
      [true, 3_600_000],
      [false, 5_000],
    ]),
  ).toBe(0);
});

it("does not add up for a sender that fills the lines now and then", () => {
  const bursts = Array.from({ length: 100 }, () => [[true, 400] as const, [false, 600] as const]).flat();
  expect(after(bursts)).toBe(0);
});
