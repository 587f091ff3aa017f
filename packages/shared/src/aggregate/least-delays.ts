import { WindowedLeast } from "./windowed-least.ts";

const WINDOW_MS = 10_000;
/** A fall of the least delay by this much ends a spike. */
const SHORTER_MS = 30;
/** So long after the line became longer, it may turn out to have been a spike. */
const LONGER_FADES_MS = 60_000;

/**
 * One-way delay and round trip of the empty line: the least seen lately.
 *
 * A queue that is always there, ours or a neighbour's, must not pass for the line. So the least rises only by what was
 * sent while the line was thought empty: in the dips, and when the source pauses.
 */
export class LeastDelays {
  readonly #owd = new WindowedLeast(WINDOW_MS);
  readonly #rtt = new WindowedLeast(WINDOW_MS);
  /** The least delay before the line was found to be longer. */
  #formerOwdMs = Number.POSITIVE_INFINITY;
  #longerAtMs = Number.NEGATIVE_INFINITY;

  /** Infinity before the first sample, both. */
  get owdMs(): number {
    return this.#owd.value;
  }

  get rttMs(): number {
    return this.#rtt.value;
  }

  /** @returns by how much the least delay rose (NaN: it is the first). */
  add(owdMs: number, rttMs: number, wasEmpty: boolean, nowMs: number): number {
    const before = this.#owd.value;
    // A datagram cannot be later than its whole round trip took: the least before was no delay, but a clock that leapt.
    if (owdMs - before > rttMs) this.#owd.restart(owdMs - rttMs);
    if (wasEmpty || before === Number.POSITIVE_INFINITY) {
      this.#owd.add(owdMs, nowMs);
      this.#rtt.add(rttMs, nowMs);
    } else {
      this.#owd.lower(owdMs);
      this.#rtt.lower(rttMs);
    }
    if (before - this.#owd.value > SHORTER_MS && this.#formerOwdMs < this.#owd.value) {
      this.#owd.restart(this.#formerOwdMs); // the spike is over, and what it held back is still a queue
      this.#formerOwdMs = Number.POSITIVE_INFINITY;
    }
    return this.#owd.value - before;
  }

  /** The line takes so much longer now. */
  lengthen(byMs: number, nowMs: number): void {
    this.#formerOwdMs = this.#owd.value;
    this.#longerAtMs = nowMs;
    this.#owd.restart(this.#owd.value + byMs);
    this.#rtt.restart(this.#rtt.value + byMs);
  }

  /** How much of an empty line a dip should see: more while the line may have become shorter without our notice. */
  dipMs(usualMs: number, nowMs: number): number {
    if (nowMs - this.#longerAtMs > LONGER_FADES_MS) this.#formerOwdMs = Number.POSITIVE_INFINITY;
    return this.#formerOwdMs === Number.POSITIVE_INFINITY ? usualMs : 2 * SHORTER_MS;
  }
}
