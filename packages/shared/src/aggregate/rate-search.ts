import type { LineMeasure } from "./line-measure.ts";

/** A standing queue begins here, and here growth ends. */
const STANDING_MS = 4.5;
const FULL_MS = 7;
/** Beyond this the rate follows downwards faster. */
const LONG_MS = 24;
const LEAST_STARTUP_GAIN = 2;
const MOST_STARTUP_GAIN = 4;
/** What the last step of the start may put into the line, about. */
const OVERSHOOT_MS = 60;
/** Delay that ends the start in any case. */
const TOO_LONG_MS = 50;
/** How long what looks like a queue has to last in the start, in mean deviations of the delay beyond those of a steady line. */
const NOISE_LASTS = 4;
/** The start goes on while what arrives grows by this, within so many loops: more where the delay varies. */
const GROWTH = 1.1;
const MOST_STALL_LOOPS = 2;
const STALL_PER_NOISE = 60;
const STEADY_PDV_MS = 1.5;
const CATCH_UP = 1.05;
const SETTLED_MS = 12;
const LATEST_SETTLED_MS = 500;

/**
 * Finds the line's rate: follows the delivery rate, and tries more when there is no queue.
 *
 * Start: a multiple of what arrived, until a queue stands and less arrives than is sent. Later: the gate alone lets
 * rate x (1 + target / round trip) into an empty line (growth as FAST TCP's); longer calm adds a gain.
 */
export class RateSearch {
  isStartup = true;
  /** What the gate takes the line for, as a multiple of the rate. */
  gain = MOST_STARTUP_GAIN;
  /** In the start: the delivery rate when it last grew, and when that was. */
  #grownTo = 0;
  #grownMs = 0;
  /** Since when there seems to be a queue; NaN: there is none. */
  #fullSinceMs = Number.NaN;
  /** The queue of the start has drained. */
  isSettled = false;
  #startedMs = 0;
  #calmSinceMs = 0;
  #emptySinceMs = 0;
  /** The rate before it was doubted: sought again at once. NaN: none. */
  #catchUpRate = Number.NaN;

  endStartup(nowMs: number): void {
    this.isStartup = false;
    this.#startedMs = nowMs;
    this.#calmSinceMs = nowMs;
    this.#emptySinceMs = nowMs;
    this.gain = 1;
  }

  /** @param former rate before it was doubted. @param rate that is still believed in. */
  catchUp(former: number, rate: number): void {
    this.#catchUpRate = former;
    this.gain = this.#catchUpGain(rate);
  }

  /** @param variationMs delay that is no queue. @returns the rate to believe in. line.delivery is known. */
  follow(rate: number, line: LineMeasure, variationMs: number): number {
    const more = line.delivery - rate;
    if (more > 0) return rate + (this.isStartup ? 1 : 0.5) * more;
    if (line.queueMs <= STANDING_MS + variationMs || line.isLimited) return rate;
    return rate + (line.queueMs > LONG_MS ? 0.5 : 0.2) * more;
  }

  /** @param loopMs from a datagram to the feedback about it. */
  start(line: LineMeasure, pdvMs: number, loopMs: number, nowMs: number): void {
    this.gain = Math.max(LEAST_STARTUP_GAIN, Math.min(MOST_STARTUP_GAIN, 1 + OVERSHOOT_MS / loopMs));
    const isFull = line.queueMs > FULL_MS + 2 * pdvMs && line.offered > 1.15 * line.delivery;
    if (!isFull && line.queueMs <= TOO_LONG_MS + 3 * pdvMs) this.#fullSinceMs = Number.NaN;
    else if (Number.isNaN(this.#fullSinceMs)) this.#fullSinceMs = nowMs;
    if (line.delivery > GROWTH * this.#grownTo) {
      this.#grownTo = line.delivery;
      this.#grownMs = nowMs;
    }
    // Where the delay varies, one late moment looks like a queue, and like a full line.
    const noiseMs = Math.max(0, pdvMs - STEADY_PDV_MS);
    const lastsMs = Math.min(loopMs, NOISE_LASTS * noiseMs);
    const stallMs = Math.max(loopMs, Math.min(MOST_STALL_LOOPS * loopMs, STALL_PER_NOISE * noiseMs));
    if (nowMs - this.#fullSinceMs >= lastsMs && nowMs - this.#grownMs >= stallMs) this.endStartup(nowMs);
  }

  /** @param variationMs delay that is no queue. @param isBlind what is seen now says nothing about room: a dip, or no traffic. */
  grow(
    line: LineMeasure,
    rate: number,
    marginMs: number,
    pdvMs: number,
    variationMs: number,
    loopMs: number,
    isBlind: boolean,
    nowMs: number,
  ): void {
    const isLate = nowMs > this.#startedMs + LATEST_SETTLED_MS + 2 * loopMs;
    if (line.queueMs < SETTLED_MS + 2 * pdvMs || isLate) this.isSettled = true;
    if (isBlind || line.queueMs > FULL_MS + variationMs) this.#calmSinceMs = nowMs;
    if (isBlind || line.queueMs > -marginMs / 4) this.#emptySinceMs = nowMs;
    if (line.queueMs > FULL_MS || rate > this.#catchUpRate) this.#catchUpRate = Number.NaN;
    const calmLoops = (nowMs - this.#calmSinceMs) / loopMs;
    const emptyLoops = (nowMs - this.#emptySinceMs) / loopMs;
    if (emptyLoops > 1.5 || calmLoops > 6) this.gain = 2;
    else if (!Number.isNaN(this.#catchUpRate)) this.gain = this.#catchUpGain(rate);
    else this.gain = calmLoops > 3 ? 1.3 : calmLoops > 1.5 ? 1.15 : 1;
  }

  /** What was there before is tried at once, and hardly more. */
  #catchUpGain(rate: number): number {
    return Math.max(1, Math.min(LEAST_STARTUP_GAIN, (CATCH_UP * this.#catchUpRate) / rate));
  }
}
