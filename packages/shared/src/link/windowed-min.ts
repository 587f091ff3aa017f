/**
 * Smallest sample of the last one to two half windows.
 *
 * Two halves instead of a sorted queue: constant memory, and a minimum that has gone is forgotten after at most the
 * whole window. A maximum is the minimum of the negated samples.
 */
export class WindowedMin {
  /** NaN before the first sample. It is not aged between samples. */
  value = Number.NaN;
  readonly #halfMs: number;
  /** An empty half holds infinity. */
  #current = Number.POSITIVE_INFINITY;
  #previous = Number.POSITIVE_INFINITY;
  #halfEndsMs = Number.NaN;

  constructor(windowMs: number) {
    this.#halfMs = windowMs / 2;
  }

  add(sample: number, nowMs: number): void {
    if (!(nowMs < this.#halfEndsMs)) this.#turn(nowMs);
    this.#current = Math.min(this.#current, sample);
    this.value = Math.min(this.#previous, this.#current);
  }

  #turn(nowMs: number): void {
    this.#previous = nowMs - this.#halfEndsMs < this.#halfMs ? this.#current : Number.POSITIVE_INFINITY;
    this.#current = Number.POSITIVE_INFINITY;
    this.#halfEndsMs = nowMs + this.#halfMs;
  }
}
