import { quantile } from "../support/statistics.ts";

/** Long enough for the clock, short enough that an interruption spoils one sample of many. */
const SAMPLE_MS = 10;
const SAMPLES = 15;
const LARGEST_COUNT = 2 ** 22;

/**
 * Nanoseconds of one turn of a loop: the median of samples, after the engine has settled.
 * @param loop runs its body `count` times; a loop of its own per figure keeps the engine's knowledge of one out of others.
 */
export function nanosecondsPerTurn(loop: (count: number) => void, seconds: number): number {
  const count = settledCount(loop, seconds);
  const samples = Array.from({ length: SAMPLES }, () => (milliseconds(loop, count) * 1e6) / count);
  return median(samples);
}

/** For values of one figure in one run. */
export function median(values: readonly number[]): number {
  return (
    quantile(
      [...values].sort((a, b) => a - b),
      0.5,
    ) ?? Number.NaN
  );
}

function settledCount(loop: (count: number) => void, seconds: number): number {
  const untilMs = performance.now() + seconds * 100;
  let count = 1;
  do {
    if (milliseconds(loop, count) < SAMPLE_MS && count < LARGEST_COUNT) count *= 2;
  } while (performance.now() < untilMs || (milliseconds(loop, count) < SAMPLE_MS && count < LARGEST_COUNT));
  return count;
}

function milliseconds(loop: (count: number) => void, count: number): number {
  const startMs = performance.now();
  loop(count);
  return performance.now() - startMs;
}
