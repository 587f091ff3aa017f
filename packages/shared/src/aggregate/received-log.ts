import { MAX_FEEDBACK_RUNS, REPLAY_WINDOW } from "../wire/index.ts";

const WORD_BITS = 32;
/** Twice the window: a power of two, so that a place is found by masking, and never the window's own words at its end. */
const WORDS = (2 * REPLAY_WINDOW) / WORD_BITS;

/** Which counters of one path arrived, as far back as the replay window lets any in. */
export class ReceivedLog {
  /** -1 before the first. */
  highest = -1;
  /** The lowest counter that says anything: what came before this log began is not missing. */
  #first = Number.POSITIVE_INFINITY;
  readonly #bits = new Int32Array(WORDS);

  /** @param counter of a datagram that is authentic and no replay. */
  add(counter: number): void {
    const highest = this.highest;
    if (counter === highest + 1) {
      if ((counter & (WORD_BITS - 1)) === 0) this.#bits[(counter >>> 5) & (WORDS - 1)] = 0;
      this.highest = counter;
    } else if (counter > highest) {
      this.#advance(counter);
    } else if (highest - counter >= REPLAY_WINDOW) {
      return;
    }
    if (counter < this.#first) this.#first = counter;
    const word = (counter >>> 5) & (WORDS - 1);
    this.#bits[word] = (this.#bits[word] ?? 0) | (1 << (counter & (WORD_BITS - 1)));
  }

  /**
   * Writes what is known from the highest counter down to `lowest`: lengths of runs received, missing, received ...
   * @returns how many runs; what does not fit, or is older than the window, is left out.
   */
  runs(lowest: number, runs: Int32Array): number {
    const end = Math.max(lowest, this.#first, this.highest - REPLAY_WINDOW + 1);
    const most = Math.min(runs.length, MAX_FEEDBACK_RUNS);
    let at = this.highest;
    let count = 0;
    for (; at >= end && count < most; count++) {
      const length = this.#runLength(at, end, (count & 1) === 0);
      runs[count] = length;
      at -= length;
    }
    return count;
  }

  /** Counters alike from `from` downwards, not below `end`; word by word. */
  #runLength(from: number, end: number, isReceived: boolean): number {
    let at = from;
    while (at >= end) {
      const bit = at & (WORD_BITS - 1);
      const word = this.#bits[(at >>> 5) & (WORDS - 1)] ?? 0;
      const alike = Math.min(bit + 1, Math.clz32((isReceived ? ~word : word) << (WORD_BITS - 1 - bit)));
      at -= alike;
      if (alike <= bit) break;
    }
    return from - Math.max(at, end - 1);
  }

  /** Clears the words between the highest counter's and this one's. */
  #advance(counter: number): void {
    const last = Math.floor(this.highest / WORD_BITS);
    const steps = Math.floor(counter / WORD_BITS) - last;
    if (steps >= WORDS) this.#bits.fill(0);
    else for (let step = 1; step <= steps; step++) this.#bits[(last + step) & (WORDS - 1)] = 0;
    this.highest = counter;
  }
}
