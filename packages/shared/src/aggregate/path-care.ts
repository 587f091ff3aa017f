import type { FqCodel } from "./fq-codel.ts";
import type { Member } from "./member.ts";
import type { RedundancyBudget } from "./redundancy-budget.ts";

/** CoDel's target: this part of the longest round trip in use, so that one TCP fills all paths. */
const TARGET_SHARE = 0.75;
/** The same where a TCP also waits for what was lost or came late: with less it has not enough under way for all paths. */
const UNSTEADY_SHARE = 1.5;
const STEADY_WAIT_MS = 10;
const STEADY_LOSS_RATIO = 0.001;
/** The far end makes all frames take the time of the later ones, both ways. */
const HELD_PDVS = 4;
const LEAST_TARGET_MS = 20;
const MOST_TARGET_MS = 250;
const INTERVALS_PER_TARGET = 4;
/**
 * What would wait longer is dropped: when most of the bond dies, what waits for it would take seconds on the rest, and CoDel,
 * one drop at a time, takes as long to slow its senders down. A TCP that begins puts in a few round trips' worth.
 */
const LEAST_LIMIT_MS = 1_000;
const LIMIT_RTTS = 6;
const LEAST_LIMIT_BYTES = 300_000;
const MOST_LIMIT_BYTES = 12_000_000;
/** A path with a longer round trip is ill, and no measure for the queue. */
const MOST_RTT_MS = 1_500;

/** Sets the queue's target and the budget of second copies by what the live paths are like now. */
export function adaptToPaths(live: readonly Member[], queue: FqCodel, budget: RedundancyBudget, nowMs: number): void {
  let targetMs = LEAST_TARGET_MS;
  let limitMs = LEAST_LIMIT_MS;
  let rate = 0;
  let freeRate = 0;
  for (const member of live) {
    targetMs = Math.max(targetMs, fillingMs(member));
    if (member.losses.srttMs < MOST_RTT_MS) limitMs = Math.max(limitMs, LIMIT_RTTS * member.losses.srttMs);
    rate += member.controller.rateBytesPerMs;
    if (!member.metered) freeRate += member.controller.rateBytesPerMs;
  }
  targetMs = Math.min(MOST_TARGET_MS, targetMs);
  queue.setTarget(targetMs, INTERVALS_PER_TARGET * targetMs);
  if (rate > 0) queue.byteLimit = Math.min(MOST_LIMIT_BYTES, Math.max(LEAST_LIMIT_BYTES, limitMs * rate));
  budget.setRate(freeRate, nowMs);
}

/** @returns the queue with which one TCP fills the paths in spite of this one. */
function fillingMs({ losses, controller }: Member): number {
  if (!(losses.srttMs < MOST_RTT_MS)) return 0;
  const { srttMs, reorderMs, lossRatio } = losses;
  const waitMs = HELD_PDVS * controller.pdvMs + reorderMs;
  const isSteady = waitMs < STEADY_WAIT_MS && lossRatio < STEADY_LOSS_RATIO;
  return isSteady ? TARGET_SHARE * srttMs : UNSTEADY_SHARE * (srttMs + waitMs);
}
