import { FEEDBACK_TIME_UNIT_US } from "../wire/index.ts";

const UNITS_PER_MS = 1000 / FEEDBACK_TIME_UNIT_US;
/** Two clocks that drift, and messages that were held up: more than this is neither. */
const MOST_OFF_MS = 30_000;
/** So many messages in a row that agree on another time: the clock was set, or the host slept. */
const AGREEING = 3;

/**
 * The peer's clock as its feedback tells it, without the wrap of its 32 bits. Times of one peer can be compared with one
 * another; against this host's clock they are off by the delay of the first message, also after the peer's clock leapt.
 */
export class PeerClock {
  /** The time of the newest message accepted, in ms; NaN before the first. */
  newestMs = Number.NaN;
  #units = 0;
  #atMs = 0;
  #strange = 0;
  #strangeOffMs = 0;

  /** @returns the time of a message, or NaN when it cannot be. */
  read(timeUnits: number, nowMs: number): number {
    if (Number.isNaN(this.newestMs)) return this.#accept(timeUnits, nowMs, nowMs);
    const passedMs = nowMs - this.#atMs;
    const passedUnits = Math.round(passedMs * UNITS_PER_MS);
    // Modulo 2^32, as near as can be to what has passed here.
    const offMs = ((timeUnits - this.#units - passedUnits) | 0) / UNITS_PER_MS;
    // In whole units, so that rounding does not add up.
    const timeMs = this.newestMs + passedUnits / UNITS_PER_MS + offMs;
    if (Math.abs(offMs) > MOST_OFF_MS) return this.#doubt(timeUnits, passedMs, offMs, nowMs);
    this.#strange = 0;
    return timeMs > this.newestMs ? this.#accept(timeUnits, timeMs, nowMs) : timeMs;
  }

  #doubt(timeUnits: number, passedMs: number, offMs: number, nowMs: number): number {
    const agrees = Math.abs(offMs - this.#strangeOffMs) < MOST_OFF_MS;
    this.#strange = agrees ? this.#strange + 1 : 1;
    this.#strangeOffMs = offMs;
    if (this.#strange < AGREEING) return Number.NaN;
    this.#strange = 0;
    return this.#accept(timeUnits, this.newestMs + passedMs, nowMs);
  }

  #accept(timeUnits: number, timeMs: number, nowMs: number): number {
    this.newestMs = timeMs;
    this.#units = timeUnits;
    this.#atMs = nowMs;
    return timeMs;
  }
}
