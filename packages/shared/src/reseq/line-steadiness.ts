import { MAX_PATHS, SEND_TIME_UNIT_US } from "../wire/index.ts";
import { timeDistance } from "./serial.ts";

const UNITS_PER_MS = 1000 / SEND_TIME_UNIT_US;
const TIME_MASK = 0xffffff;
/** Samples of one line are taken so far apart: those of one burst tell the same. */
const APART_MS = 5;
const MEAN_MS = 5_000;
/** The size of a second difference follows what is seen faster upwards than downwards. */
const RISES = 64;
const FALLS = 128;
/** The mean size of the second difference of independent normal delays, in standard deviations. */
const BEND_PER_SIGMA = 1.95;
/** One leap, as of a new route, says nothing of variation: a sample counts at most this much above the mean. */
const STEP_MS = 4;
const STEP_FACTOR = 4;
/** What timers and packet loops of two busy hosts do is no variation of the line. */
const HOST_SIGMA_MS = 2;
/** Nearly all frames of a line come within so many standard deviations of the mean. */
const SIGMAS = 3;
const MOST_MS = 120;
/** A line that delivered nothing for so long is not counted on. */
const RECENT_MS = 3_000;
const JUDGED_EVERY_MS = 50;

/**
 * How much the delay of each line varies, and how long frames have to take for this not to be felt.
 *
 * The variation is taken from second differences, which are blind to queues that grow or drain (as LineNoise of the sender
 * does). The line that asks for the least is the measure: a slower one is used when there is more to send than that carries.
 */
export class LineSteadiness {
  /** One-way delay that all frames should take, in units of the send time with the offset of the clocks; NaN: any. */
  target = Number.NaN;
  readonly #mean = new Float64Array(MAX_PATHS);
  readonly #bendMs = new Float64Array(MAX_PATHS);
  readonly #before = new Float64Array(MAX_PATHS);
  readonly #stepMs = new Float64Array(MAX_PATHS);
  readonly #count = new Int32Array(MAX_PATHS);
  readonly #sampledMs = new Float64Array(MAX_PATHS).fill(Number.NEGATIVE_INFINITY);
  #judgedMs = Number.NEGATIVE_INFINITY;

  /** @param sentAt of a datagram that was not sent again. */
  onArrival(path: number, sentAt: number, nowMs: number): void {
    const spanMs = nowMs - (this.#sampledMs[path] ?? 0);
    if (spanMs < APART_MS) return;
    this.#sampledMs[path] = nowMs;
    this.#take(path, delayUnits(sentAt, nowMs), spanMs);
    if (nowMs - this.#judgedMs >= JUDGED_EVERY_MS) this.#judge(nowMs);
  }

  /** @returns how long a frame that arrives now should wait. */
  waitMs(sentAt: number, nowMs: number): number {
    if (Number.isNaN(this.target)) return 0;
    const waitMs = timeDistance(this.target, delayUnits(sentAt, nowMs)) / UNITS_PER_MS;
    return Math.max(0, Math.min(MOST_MS, waitMs));
  }

  reset(): void {
    this.target = Number.NaN;
    this.#count.fill(0);
    this.#bendMs.fill(0);
    this.#sampledMs.fill(Number.NEGATIVE_INFINITY);
  }

  #take(path: number, delay: number, spanMs: number): void {
    const count = (this.#count[path] ?? 0) + 1;
    this.#count[path] = count;
    if (count === 1 || spanMs > RECENT_MS) {
      this.#count[path] = 1;
      this.#mean[path] = delay;
      this.#before[path] = delay;
      this.#stepMs[path] = 0;
      return;
    }
    const error = timeDistance(delay, this.#mean[path] ?? 0);
    this.#mean[path] = (this.#mean[path] ?? 0) + error * Math.max(1 / count, 1 - Math.exp(-spanMs / MEAN_MS));
    const stepMs = timeDistance(delay, this.#before[path] ?? 0) / UNITS_PER_MS;
    const bendMs = Math.abs(stepMs - (this.#stepMs[path] ?? 0));
    this.#before[path] = delay;
    this.#stepMs[path] = stepMs;
    if (count > 2) this.#follow(path, bendMs, count);
  }

  #follow(path: number, bendMs: number, count: number): void {
    const meanMs = this.#bendMs[path] ?? 0;
    const moreMs = Math.min(bendMs, STEP_MS + STEP_FACTOR * meanMs) - meanMs;
    this.#bendMs[path] = meanMs + moreMs / Math.min(count - 1, moreMs > 0 ? RISES : FALLS);
  }

  /** The line on which frames may be expected soonest, its variation included. */
  #judge(nowMs: number): void {
    this.#judgedMs = nowMs;
    let best = -1;
    let soonest = 0;
    let extra = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      if (nowMs - (this.#sampledMs[path] ?? 0) > RECENT_MS) continue;
      const sigmaMs = (this.#bendMs[path] ?? 0) / BEND_PER_SIGMA;
      const units = sigmaMs < HOST_SIGMA_MS ? 0 : Math.min(MOST_MS, SIGMAS * sigmaMs) * UNITS_PER_MS;
      const mean = this.#mean[path] ?? 0;
      if (best >= 0 && timeDistance(mean + units, soonest) >= 0) continue;
      best = path;
      soonest = mean + units;
      extra = units;
    }
    this.target = extra > 0 ? soonest : Number.NaN;
  }
}

function delayUnits(sentAt: number, nowMs: number): number {
  return (Math.floor(nowMs * UNITS_PER_MS) - sentAt) & TIME_MASK;
}
