import type { WhySecond } from "./why-answer.ts";

/** Seconds further apart than this had a pause between them. */
const LONGEST_STEP_MS = 2_500;
/** Two seconds are alike when the rate differs by no more than this part, the share and the queue by no more than these. */
const RATE_RATIO = 0.25;
const SHARE_RATIO = 0.15;
const QUEUE_MS = 10;

/**
 * Joins consecutive seconds in which a member stood alike, each like the first of its run.
 *
 * @param breaks times that no run reaches over, in order.
 */
export function foldSeconds(seconds: readonly WhySecond[], breaks: readonly string[]): WhySecond[][] {
  const runs: WhySecond[][] = [];
  for (const second of seconds) {
    const run = runs.at(-1);
    const first = run?.at(0);
    const last = run?.at(-1);
    const goesOn =
      first !== undefined &&
      last !== undefined &&
      isNext(last, second) &&
      isAlike(first, second) &&
      !breaks.some((time) => time > last.time && time <= second.time);
    if (goesOn) run?.push(second);
    else runs.push([second]);
  }
  return runs;
}

function isNext(last: WhySecond, second: WhySecond): boolean {
  return Date.parse(second.time) - Date.parse(last.time) <= LONGEST_STEP_MS;
}

function isAlike(first: WhySecond, second: WhySecond): boolean {
  if (first.state !== second.state || first.firstFrames > 0 !== second.firstFrames > 0) return false;
  if (first.state !== "in-use") return true;
  const rateKbps = first.rateKbps ?? 0;
  return (
    Math.abs((second.rateKbps ?? 0) - rateKbps) <= RATE_RATIO * rateKbps &&
    Math.abs((second.shareRatio ?? 0) - (first.shareRatio ?? 0)) <= SHARE_RATIO &&
    Math.abs((second.queueMs ?? 0) - (first.queueMs ?? 0)) <= QUEUE_MS
  );
}
