import { REPLAY_WINDOW } from "../wire/index.ts";

const WORD_BITS = 32;
/** Twice the window: a power of two, so that a place is found by masking, and never the window's own words at its end. */
const WORDS = (2 * REPLAY_WINDOW) / WORD_BITS;

/**
 * Which counters of one path and key epoch were seen.
 *
 * Source: RFC 6479. Differs from it in one point: counters are numbers below 2^53, not 64-bit integers.
 */
export class ReplayWindow {
  readonly #seen = new Int32Array(WORDS);
  #newest = -1;

  /**
   * To be asked for authentic datagrams only, as it remembers.
   * @returns true the first time it is asked for a counter that is at most REPLAY_WINDOW behind the newest.
   */
  accept(counter: number): boolean {
    if (counter > Number.MAX_SAFE_INTEGER) return false;
    if (counter === this.#newest + 1) {
      if ((counter & (WORD_BITS - 1)) === 0) this.#seen[(counter >>> 5) & (WORDS - 1)] = 0;
      this.#newest = counter;
    } else if (counter > this.#newest) {
      this.#advance(counter);
    } else if (this.#newest - counter > REPLAY_WINDOW) {
      return false;
    }
    const word = (counter >>> 5) & (WORDS - 1);
    const bit = 1 << (counter & (WORD_BITS - 1));
    const bits = this.#seen[word] ?? 0;
    if ((bits & bit) !== 0) return false;
    this.#seen[word] = bits | bit;
    return true;
  }

  /** Clears the words between the newest counter's and this one's. */
  #advance(counter: number): void {
    const last = Math.floor(this.#newest / WORD_BITS);
    const steps = Math.floor(counter / WORD_BITS) - last;
    if (steps >= WORDS) this.#seen.fill(0);
    else for (let step = 1; step <= steps; step++) this.#seen[(last + step) & (WORDS - 1)] = 0;
    this.#newest = counter;
  }
}
