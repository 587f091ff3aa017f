/** Parity pays from this loss on, and until it falls below. */
const ON_RATIO = 0.001;
const OFF_RATIO = 0.0005;
/** Loss is judged by about so many datagrams. */
const REMEMBERED = 8_000;
/** More than this at once is a queue that overflowed, which no parity mends: it counts as one. */
const SINGLY_RATIO = 0.04;
const SINGLY_COUNT = 3;
/** What is missing is the least of so many reports: datagrams that overtake each other are missing for a moment. */
const REPORTS = 4;

/** Whether a line loses datagrams singly, and often enough for parity to pay. */
export class LossWatch {
  isLossy = false;
  readonly #latest = new Float64Array(REPORTS).fill(Number.POSITIVE_INFINITY);
  #reports = 0;
  #highest = -1;
  #missing = 0;
  #packets = 0;
  #lost = 0;

  /** @param highest counter that the peer has received. @param missing how many below it have not arrived so far. */
  onReport(highest: number, missing: number): void {
    if (highest <= this.#highest) return;
    const packets = highest - this.#highest;
    this.#highest = highest;
    this.#latest[this.#reports++ % REPORTS] = missing;
    const least = Math.min(...this.#latest);
    const lost = least - this.#missing;
    this.#missing = least;
    if (this.#reports <= REPORTS) return;
    this.#packets += packets;
    this.#lost = Math.max(0, this.#lost + (lost > SINGLY_COUNT + packets * SINGLY_RATIO ? 1 : lost));
    if (this.#packets > REMEMBERED) {
      this.#packets /= 2;
      this.#lost /= 2;
    }
    this.isLossy = this.lossRatio >= (this.isLossy ? OFF_RATIO : ON_RATIO);
  }

  get lossRatio(): number {
    return this.#packets > 0 ? this.#lost / this.#packets : 0;
  }
}
