/** Least sample of the last one to two half windows; Infinity before the first. */
export class WindowedLeast {
  value = Number.POSITIVE_INFINITY;
  readonly #halfMs: number;
  #current = Number.POSITIVE_INFINITY;
  #previous = Number.POSITIVE_INFINITY;
  #turnedMs = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#halfMs = windowMs / 2;
  }

  /** Forgets all samples for this one. */
  restart(sample: number): void {
    this.#current = sample;
    this.#previous = sample;
    this.value = sample;
  }

  /** Takes a sample without ageing the others. */
  lower(sample: number): void {
    if (sample < this.value) this.restart(sample);
  }

  add(sample: number, nowMs: number): void {
    if (nowMs - this.#turnedMs > this.#halfMs) {
      this.#previous = this.#current;
      this.#current = Number.POSITIVE_INFINITY;
      this.#turnedMs = nowMs;
    }
    if (sample < this.#current) this.#current = sample;
    this.value = Math.min(this.#current, this.#previous);
  }
}
