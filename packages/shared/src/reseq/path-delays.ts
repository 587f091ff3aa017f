import { MAX_PATHS, SEND_TIME_UNIT_US } from "../wire/index.ts";
import { timeDistance } from "./serial.ts";

const UNITS_PER_MS = 1000 / SEND_TIME_UNIT_US;
const TIME_MASK = 0xffffff;
/** A path that delivered nothing for one to two of these (or of maxHoldMs), while others did, counts as unused. */
const RECENT_MS = 1000;
/** How long overtaking inside a path is remembered, one to two of these. */
const REORDER_MEMORY_MS = 10_000;
/** Added to what was measured, as waiting for a frame costs time and not waiting for it costs the order. */
const HOLD_MARGIN_MS = 10;

/**
 * What the send times say about the paths of one session.
 *
 * One-way delays have the unknown offset of two clocks in them, but the same one for every path: their differences are
 * exact. The mean is that of RFC 6298 section 2 with a gain of 1/16. The deviation rises with a gain of 1/8 and falls with
 * 1/256, and so stays near the upper end of what is seen: a PDV that comes in waves is no surprise the next time.
 */
export class PathDelays {
  /** For how long paths are remembered: one to two of these. */
  readonly recentMs: number;
  readonly #maxHoldMs: number;
  /** In units of the send time, growing beyond 24 bits with the drift of the clocks. */
  readonly #delay = new Float64Array(MAX_PATHS);
  readonly #deviation = new Float64Array(MAX_PATHS);
  readonly #newestSent = new Int32Array(MAX_PATHS);
  readonly #arrivedAtMs = new Float64Array(MAX_PATHS);
  /** By how much a frame was overtaken on its own path, at most; in units. */
  readonly #overtaken = new Int32Array(MAX_PATHS);
  readonly #overtakenBefore = new Int32Array(MAX_PATHS);
  #usedNow = 0;
  #usedBefore = 0;
  /** Paths that delivered something since the last pause of all of them. */
  #fresh = 0;
  #turnAtMs = Number.NEGATIVE_INFINITY;
  #forgetAtMs = Number.NEGATIVE_INFINITY;
  /** Used paths whose frames arrive within maxHoldMs of the fastest one's; as of the last judge(). */
  worthWaiting = 0;
  /** Between the fastest and the slowest path worth waiting for; as of the last judge(). */
  skewMs = 0;
  /** Longest wait that makes sense for a frame on a known path; as of the last judge(). */
  holdMs = HOLD_MARGIN_MS;

  constructor(maxHoldMs: number) {
    this.#maxHoldMs = maxHoldMs;
    this.recentMs = Math.max(RECENT_MS, maxHoldMs);
  }

  /** Mask of the paths that delivered data within the last recentMs, or twice that; pauses of all paths do not count. */
  get used(): number {
    return this.#usedNow | this.#usedBefore;
  }

  /** Of the frames of one batch, with one arrival time, the first of each path is the sample of its delay. */
  onArrival(path: number, sentAt: number, nowMs: number): void {
    if (nowMs >= this.#turnAtMs) this.#turn(nowMs);
    if (this.#arrivedAtMs[path] !== nowMs || (this.#fresh & (1 << path)) === 0) this.#sample(path, sentAt, nowMs);
    const newer = timeDistance(sentAt, this.#newestSent[path] ?? 0);
    if (newer >= 0) this.#newestSent[path] = sentAt;
    else if (-newer > (this.#overtaken[path] ?? 0)) {
      this.#overtaken[path] = Math.min(-newer, this.#maxHoldMs * UNITS_PER_MS);
    }
  }

  /** Renews skewMs, holdMs and worthWaiting for a set of paths. */
  judge(live: number): void {
    const candidates = this.used & live;
    const fastest = this.#fastest(candidates);
    let slowest = 0;
    let latest = 0;
    this.worthWaiting = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      if ((candidates & (1 << path)) === 0) continue;
      const behind = this.#behind(path, fastest);
      if (behind > this.#maxHoldMs * UNITS_PER_MS) continue;
      this.worthWaiting |= 1 << path;
      slowest = Math.max(slowest, behind);
      latest = Math.max(latest, behind + 3 * (this.#deviation[path] ?? 0));
    }
    this.skewMs = slowest / UNITS_PER_MS;
    this.holdMs = Math.min(latest / UNITS_PER_MS + HOLD_MARGIN_MS, this.#maxHoldMs);
  }

  /**
   * When a path counts as having passed a missing frame, so that the frame is not to come on it any more.
   *
   * @param sentBehind send time of a frame that follows the missing one.
   * @param passed the path delivered a later frame of the same flow slot.
   * @returns a time that may be past; Infinity: not before the path delivers more.
   */
  passedAtMs(path: number, sentBehind: number, passed: boolean): number {
    if ((this.used & this.#fresh & (1 << path)) === 0) return Number.POSITIVE_INFINITY;
    const ahead = timeDistance(this.#newestSent[path] ?? 0, sentBehind);
    if (!passed && ahead <= 0) return Number.POSITIVE_INFINITY;
    const overtaken = Math.max(this.#overtaken[path] ?? 0, this.#overtakenBefore[path] ?? 0);
    if (overtaken === 0) return Number.NEGATIVE_INFINITY;
    const allowance = overtaken + (overtaken >> 2);
    return ahead > allowance ? Number.NEGATIVE_INFINITY : (this.#arrivedAtMs[path] ?? 0) + allowance / UNITS_PER_MS;
  }

  reset(): void {
    this.#usedNow = 0;
    this.#usedBefore = 0;
    this.#fresh = 0;
    this.#overtaken.fill(0);
    this.#overtakenBefore.fill(0);
  }

  #sample(path: number, sentAt: number, nowMs: number): void {
    const bit = 1 << path;
    const delay = (Math.floor(nowMs * UNITS_PER_MS) - sentAt) & TIME_MASK;
    if ((this.used & bit) === 0) {
      this.#delay[path] = delay;
      this.#deviation[path] = 0;
    } else {
      this.#follow(path, timeDistance(delay, this.#delay[path] ?? 0));
    }
    if ((this.#fresh & bit) === 0) this.#newestSent[path] = sentAt;
    this.#arrivedAtMs[path] = nowMs;
    this.#usedNow |= bit;
    this.#fresh |= bit;
  }

  /** @param error how far the estimate of the delay was off, in units. */
  #follow(path: number, error: number): void {
    const surprise = Math.abs(error) - (this.#deviation[path] ?? 0);
    this.#delay[path] = (this.#delay[path] ?? 0) + error / 16;
    this.#deviation[path] = (this.#deviation[path] ?? 0) + (surprise > 0 ? surprise / 8 : surprise / 256);
  }

  /** The path of a set with the smallest delay, or 0 for an empty set. */
  #fastest(paths: number): number {
    let fastest = -1;
    for (let path = 0; path < MAX_PATHS; path++) {
      if ((paths & (1 << path)) !== 0 && (fastest < 0 || this.#behind(path, fastest) < 0)) fastest = path;
    }
    return Math.max(fastest, 0);
  }

  /** How much later frames arrive on one path than on another, in units. */
  #behind(path: number, other: number): number {
    return timeDistance(this.#delay[path] ?? 0, this.#delay[other] ?? 0);
  }

  #turn(nowMs: number): void {
    const paused = nowMs >= this.#turnAtMs + this.recentMs;
    this.#usedBefore = paused ? this.used : this.#usedNow;
    this.#usedNow = 0;
    if (paused) this.#fresh = 0;
    this.#turnAtMs = nowMs + this.recentMs;
    if (nowMs < this.#forgetAtMs) return;
    this.#overtakenBefore.set(this.#overtaken);
    this.#overtaken.fill(0);
    this.#forgetAtMs = nowMs + REORDER_MEMORY_MS;
  }
}
