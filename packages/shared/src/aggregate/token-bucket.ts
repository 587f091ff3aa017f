/** Bytes that may be spent: they come at a rate, and no more than a burst of them is kept. Full at the start. */
export class TokenBucket {
  readonly #burstMs: number;
  readonly #leastBurstBytes: number;
  #bytesPerMs = 0;
  #tokens = Number.POSITIVE_INFINITY;
  #filledMs = 0;

  /** @param burstMs what is kept, at the rate; but at least leastBurstBytes. */
  constructor(burstMs: number, leastBurstBytes: number) {
    this.#burstMs = burstMs;
    this.#leastBurstBytes = leastBurstBytes;
  }

  /** @returns false when there is not enough; nothing is spent then. */
  take(bytes: number, nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < bytes) return false;
    this.#tokens -= bytes;
    return true;
  }

  /** @param bytesPerMs from now on. */
  setRate(bytesPerMs: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#bytesPerMs = bytesPerMs;
  }

  #fill(nowMs: number): void {
    const burstBytes = Math.max(this.#leastBurstBytes, this.#bytesPerMs * this.#burstMs);
    this.#tokens = Math.min(burstBytes, this.#tokens + Math.max(0, nowMs - this.#filledMs) * this.#bytesPerMs);
    this.#filledMs = nowMs;
  }
}
