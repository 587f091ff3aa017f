/** A bucket remembers at most this much above its edge, so that a flow is forgiven soon after it has calmed down. */
const MOST = 2;
/** Of the edge: an index that was above it is below it again from here on. */
const RELEASE = 0.5;

/**
 * Tells for each of many flows whether it stays below a rate: leaky buckets with hysteresis.
 *
 * A bucket drains at the rate. It is above the limit from the moment it holds more than the edge until it holds less than
 * half of it: bursts up to the edge are free, and a rate is judged the sooner the higher it is.
 */
export class RateLimits {
  readonly #drainPerMs: number;
  readonly #edge: number;
  readonly #levels: Float64Array;
  readonly #seenMs: Float64Array;
  readonly #isAbove: Uint8Array;

  /** @param burstMs at the rate: what may come at once. */
  constructor(indexCount: number, ratePerMs: number, burstMs: number) {
    this.#drainPerMs = ratePerMs;
    this.#edge = ratePerMs * burstMs;
    this.#levels = new Float64Array(indexCount);
    this.#seenMs = new Float64Array(indexCount);
    this.#isAbove = new Uint8Array(indexCount);
  }

  /** @returns true when the flow is above the limit, this amount included. */
  add(index: number, amount: number, nowMs: number): boolean {
    const drained = (nowMs - (this.#seenMs[index] ?? 0)) * this.#drainPerMs;
    const level = Math.min(Math.max(0, (this.#levels[index] ?? 0) - drained) + amount, MOST * this.#edge);
    this.#levels[index] = level;
    this.#seenMs[index] = nowMs;
    if (level > this.#edge) this.#isAbove[index] = 1;
    else if (level < RELEASE * this.#edge) this.#isAbove[index] = 0;
    return this.#isAbove[index] === 1;
  }
}
