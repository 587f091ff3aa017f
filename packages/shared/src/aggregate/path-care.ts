import type { FqCodel } from "./fq-codel.ts";
import type { Member } from "./member.ts";
import type { RedundancyBudget } from "./redundancy-budget.ts";

/** CoDel's target: this part of the longest round trip in use, so that one TCP fills all paths. */
const TARGET_SHARE = 0.75;
const LEAST_TARGET_MS = 20;
const MOST_TARGET_MS = 120;
const INTERVALS_PER_TARGET = 4;
/** A path with a longer round trip is ill, and no measure for the queue. */
const MOST_RTT_MS = 1_500;

/** Sets the queue's target and the budget of second copies by what the live paths are like now. */
export function adaptToPaths(live: readonly Member[], queue: FqCodel, budget: RedundancyBudget, nowMs: number): void {
  let longestMs = 0;
  let freeRate = 0;
  for (const { losses, metered, controller } of live) {
    if (losses.srttMs < MOST_RTT_MS) longestMs = Math.max(longestMs, losses.srttMs);
    if (!metered) freeRate += controller.rateBytesPerMs;
  }
  const targetMs = Math.min(MOST_TARGET_MS, Math.max(LEAST_TARGET_MS, TARGET_SHARE * longestMs));
  queue.setTarget(targetMs, INTERVALS_PER_TARGET * targetMs);
  budget.setRate(freeRate, nowMs);
}
