import { MAX_PATHS, SEND_TIME_UNIT_US } from "../wire/index.ts";
import { HeldDelay } from "./held-delay.ts";
import { LatestDelays } from "./latest-delays.ts";
import { timeDistance } from "./serial.ts";

const UNITS_PER_MS = 1000 / SEND_TIME_UNIT_US;
const TIME_MASK = 0xffffff;
/** Samples of one line are taken so far apart: those of one burst tell the same. */
const APART_MS = 5;
const MEAN_MS = 5_000;
/**
 * The size of a second difference follows what is seen faster upwards than downwards, in samples: over seconds, since a delay that
 * wavers by 16 ms is a full line to a TCP that begins.
 */
const RISES = 256;
const FALLS = 512;
/** The mean size of the second difference of independent normal delays, in standard deviations. */
const BEND_PER_SIGMA = 1.95;
/** One leap, as of a new route, says nothing of variation: a sample counts at most this much above the mean. */
const STEP_MS = 4;
const STEP_FACTOR = 4;
/** What timers and packet loops of two busy hosts do is no variation of the line. */
const HOST_SIGMA_MS = 2;
/** Nearly all frames of a line come within so many standard deviations of the mean. */
const SIGMAS = 2.5;
/** The same for frames of even flows. */
const EVEN_SIGMAS = 3.5;
/** The same for frames that wait for none before them, of which one that is late holds nothing up. */
const PACED_SIGMAS = 2;
const MOST_MS = 120;
/** All frames are made as late as a slower line's if that is worth it: so much for a line that carries everything. */
const WORTH_MS = 100;
/** The same for frames of even flows: nobody waits for one of them. */
const EVEN_WORTH_MS = 1_500;
/**
 * Lines that carry little need not be waited for in full: a connection that is used to a part of their delay has enough under
 * way for the rest, and begins sooner. With more than one share of what all lines carry it is all of it, below the other
 * share the least part, and in proportion between them.
 */
const FULL_EVEN_SHARE = 0.28;
const LEAST_EVEN_SHARE = 0.16;
const LEAST_EVEN_PART = 0.4;
/** What a line carries is the most that it carried in such a span; that is forgotten in about the other. */
const CARRIED_MS = 250;
const CARRIED_FADES_MS = 120_000;
/** A line that delivered nothing for so long is not counted on. */
const RECENT_MS = 60_000;
/** One sample after a pause counts as one after this at most. */
const MOST_SPAN_MS = 500;
const JUDGED_EVERY_MS = 50;

/**
 * How much the delay of each line varies, and how long frames have to take for this not to be felt.
 *
 * The variation is taken from second differences, which are blind to queues that grow or drain (as LineNoise of the sender
 * does). The line that asks for the least is the measure, or a slower one that carries enough to be worth the time.
 */
export class LineSteadiness {
  /** Of all frames, where lines vary. */
  readonly steady = new HeldDelay({ mostMs: MOST_MS, worthMs: WORTH_MS, sigmas: SIGMAS });
  /** Of even flows: those that are to have the delay of the slower lines, too. */
  readonly even: HeldDelay;
  /** Of frames that wait for none before them: the delay of the soonest line is enough for them. */
  readonly paced = new HeldDelay({ mostMs: MOST_MS, worthMs: 0, sigmas: PACED_SIGMAS });
  readonly #mean = new Float64Array(MAX_PATHS);
  readonly #bendMs = new Float64Array(MAX_PATHS);
  readonly #before = new Float64Array(MAX_PATHS);
  readonly #stepMs = new Float64Array(MAX_PATHS);
  readonly #count = new Int32Array(MAX_PATHS);
  readonly #latest = new LatestDelays();
  /** Frames since the last turn, and the most in one. */
  readonly #carried = new Float64Array(MAX_PATHS);
  readonly #mostCarried = new Float64Array(MAX_PATHS);
  #turnedMs = Number.NEGATIVE_INFINITY;
  #sum = 0;
  readonly #sampledMs = new Float64Array(MAX_PATHS).fill(Number.NEGATIVE_INFINITY);
  #judgedMs = Number.NEGATIVE_INFINITY;
  /** Mask of the paths that may deliver; any, until told otherwise. */
  #live = -1;

  /** @param mostEvenMs longest wait of frames of even flows. */
  constructor(mostEvenMs = MOST_MS) {
    this.even = new HeldDelay({ mostMs: mostEvenMs, worthMs: EVEN_WORTH_MS, sigmas: EVEN_SIGMAS });
  }

  /** A line that left is no measure any more; what is known of it is kept, but for how late it was when it was full. */
  setLive(mask: number): void {
    for (let path = 0; path < MAX_PATHS; path++) if ((mask & (1 << path)) === 0) this.#latest.forget(path);
    this.#live = mask;
  }

  /** The line brought something of full size. */
  onCarried(path: number, nowMs: number): void {
    if (nowMs - this.#turnedMs >= CARRIED_MS) this.#turn(nowMs);
    this.#carried[path] = (this.#carried[path] ?? 0) + 1;
  }

  /** @param sentAt of a datagram that was not sent again. */
  onArrival(path: number, sentAt: number, nowMs: number): void {
    this.onCarried(path, nowMs);
    const spanMs = nowMs - (this.#sampledMs[path] ?? 0);
    if (spanMs < APART_MS) return;
    this.#sampledMs[path] = nowMs;
    this.#take(path, delayUnits(sentAt, nowMs), spanMs);
    if (nowMs - this.#judgedMs >= JUDGED_EVERY_MS) this.#judge(nowMs);
  }

  /** @returns how long a frame that arrives now should wait for this delay. */
  waitMs({ target, mostMs }: HeldDelay, sentAt: number, nowMs: number): number {
    if (Number.isNaN(target)) return 0;
    const waitMs = timeDistance(target, delayUnits(sentAt, nowMs)) / UNITS_PER_MS;
    return Math.max(0, Math.min(mostMs, waitMs));
  }

  reset(): void {
    this.steady.clear();
    this.even.clear();
    this.paced.clear();
    for (let path = 0; path < MAX_PATHS; path++) this.#latest.forget(path);
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
    this.#mean[path] =
      (this.#mean[path] ?? 0) + error * Math.max(1 / count, 1 - Math.exp(-Math.min(spanMs, MOST_SPAN_MS) / MEAN_MS));
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

  #judge(nowMs: number): void {
    this.#rememberLatest(nowMs);
    this.#judgedMs = nowMs;
    this.steady.clear();
    this.even.clear();
    this.paced.clear();
    const fastest = this.#soonest(nowMs);
    if (fastest < 0) return;
    if (this.#extraUnits(fastest) > 0) {
      this.#measure(this.steady, fastest, nowMs);
      this.#measure(this.paced, fastest, nowMs);
    }
    this.#measure(this.even, fastest, nowMs);
  }

  #measure(held: HeldDelay, fastest: number, nowMs: number): void {
    const slowest = this.#slowestWorth(held, fastest, nowMs);
    held.paths = this.#within(slowest, nowMs);
    if (held === this.even) held.target = this.#evenTarget(fastest, nowMs);
    else held.target = slowest + (held.sigmas / SIGMAS - 1) * this.#mostExtra(held.paths);
    const least = (this.#mean[fastest] ?? 0) - this.#extraUnits(fastest);
    held.spanMs = timeDistance(held.target, least) / UNITS_PER_MS;
  }

  #rememberLatest(nowMs: number): void {
    const spanMs = Math.min(nowMs - this.#judgedMs, MOST_SPAN_MS);
    for (let path = 0; path < MAX_PATHS; path++) {
      if (!this.#counts(path, nowMs)) continue;
      this.#latest.remember(path, this.#expected(path, EVEN_SIGMAS), this.#extraUnits(path) > 0, spanMs, nowMs);
    }
  }

  /** @returns the delay of the latest frames of the lines that even flows wait for, or a part of what it is beyond the soonest. */
  #evenTarget(fastest: number, nowMs: number): number {
    const { paths } = this.even;
    const soonest = this.#expected(fastest);
    let mostUnits = Math.max(0, timeDistance(this.steady.target, soonest));
    for (let path = 0; path < MAX_PATHS; path++) {
      if ((paths & (1 << path)) === 0) continue;
      const late = this.#latestOf(path, nowMs);
      mostUnits = Math.max(mostUnits, evenPart(this.#shareAsLate(late, nowMs)) * timeDistance(late, soonest));
    }
    return soonest + mostUnits;
  }

  /** @returns the part that the lines of even flows which are so late, or later, have in what all of them carry. */
  #shareAsLate(late: number, nowMs: number): number {
    let share = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      if ((this.even.paths & (1 << path)) === 0) continue;
      if (timeDistance(this.#latestOf(path, nowMs), late) >= 0) share += this.#share(path);
    }
    return share;
  }

  /** @returns the delay of a line's latest frames: what is expected now, or was when it was full. */
  #latestOf(path: number, nowMs: number): number {
    return this.#latest.of(path, this.#expected(path, EVEN_SIGMAS), this.#share(path), nowMs);
  }

  /** @returns the delay of the slowest line that carries enough to be worth it. */
  #slowestWorth({ mostMs, worthMs }: HeldDelay, fastest: number, nowMs: number): number {
    const soonest = this.#expected(fastest);
    let slowest = soonest;
    for (let path = 0; path < MAX_PATHS; path++) {
      if (!this.#counts(path, nowMs)) continue;
      const expected = this.#expected(path);
      const worthyMs = Math.min(mostMs, worthMs * this.#share(path));
      if (timeDistance(expected, soonest) > worthyMs * UNITS_PER_MS) continue;
      if (timeDistance(expected, slowest) > 0) slowest = expected;
    }
    return slowest;
  }

  /** @returns the most of what the variation of any of these lines asks for. */
  #mostExtra(paths: number): number {
    let most = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      if ((paths & (1 << path)) !== 0) most = Math.max(most, this.#extraUnits(path));
    }
    return most;
  }

  #within(target: number, nowMs: number): number {
    let mask = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      if (this.#counts(path, nowMs) && timeDistance(this.#expected(path), target) <= 0) mask |= 1 << path;
    }
    return mask;
  }

  #turn(nowMs: number): void {
    const spanMs = Math.min(nowMs - this.#turnedMs, CARRIED_FADES_MS);
    this.#turnedMs = nowMs;
    this.#sum = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      const faded = (this.#mostCarried[path] ?? 0) * (1 - spanMs / CARRIED_FADES_MS);
      // A longer span than usual was mostly a pause.
      this.#mostCarried[path] = Math.max(faded, this.#carried[path] ?? 0);
      this.#carried[path] = 0;
      this.#sum += this.#mostCarried[path] ?? 0;
    }
  }

  /** @returns the part that a line has in what all of them carry. */
  #share(path: number): number {
    return this.#sum > 0 ? (this.#mostCarried[path] ?? 0) / this.#sum : 0;
  }

  /** @returns the line on which frames may be expected soonest, its variation included; -1: there is none. */
  #soonest(nowMs: number): number {
    let best = -1;
    let soonest = 0;
    for (let path = 0; path < MAX_PATHS; path++) {
      if (!this.#counts(path, nowMs)) continue;
      const expected = this.#expected(path);
      if (best >= 0 && timeDistance(expected, soonest) >= 0) continue;
      best = path;
      soonest = expected;
    }
    return best;
  }

  #counts(path: number, nowMs: number): boolean {
    return (this.#live & (1 << path)) !== 0 && nowMs - (this.#sampledMs[path] ?? 0) <= RECENT_MS;
  }

  /** @returns the delay within which nearly all frames of a line come. */
  #expected(path: number, sigmas = SIGMAS): number {
    return (this.#mean[path] ?? 0) + (sigmas / SIGMAS) * this.#extraUnits(path);
  }

  /** How much later than the mean nearly all frames of a line come. */
  #extraUnits(path: number): number {
    const sigmaMs = (this.#bendMs[path] ?? 0) / BEND_PER_SIGMA;
    return sigmaMs < HOST_SIGMA_MS ? 0 : Math.min(MOST_MS, SIGMAS * sigmaMs) * UNITS_PER_MS;
  }
}

/** @param share that lines have in what all of them carry. @returns which part of their delay even flows have. */
function evenPart(share: number): number {
  const beyond = (share - LEAST_EVEN_SHARE) / (FULL_EVEN_SHARE - LEAST_EVEN_SHARE);
  return LEAST_EVEN_PART + (1 - LEAST_EVEN_PART) * Math.max(0, Math.min(1, beyond));
}

function delayUnits(sentAt: number, nowMs: number): number {
  return (Math.floor(nowMs * UNITS_PER_MS) - sentAt) & TIME_MASK;
}
