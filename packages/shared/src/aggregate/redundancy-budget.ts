import { TokenBucket } from "./token-bucket.ts";

/** A line with less than this before it has nothing to do: a second copy takes nothing from anybody. */
const IDLE_LINE_MS = 3;
const BURST_MS = 200;
const LEAST_BURST_BYTES = 3_000;
/** For frames that are not real-time: part of what the paths carry, saved up for 20 s. */
const SPARE_RATIO = 0.005;
const SPARE_BURST_MS = 20_000;
const SPARE_LEAST_BURST_BYTES = 30_000;

/**
 * How many second copies of real-time frames may be sent.
 *
 * Its measure is what the paths carry, never the traffic sent: a call that is alone on the bond is all of its traffic, and
 * the one that a second path is there for.
 */
export class RedundancyBudget {
  /** Second copies by why they were allowed, and frames that got none. */
  readonly counters = { idleLine: 0, budget: 0, overBudget: 0, spare: 0 };
  duplicatedBytes = 0;
  readonly #ratio: number;
  readonly #bucket = new TokenBucket(BURST_MS, LEAST_BURST_BYTES);

  /** @param ratio of the paths' rate, 0..1; 0 allows copies on idle lines only. */
  constructor(ratio = 0.05) {
    this.#ratio = ratio;
  }

  readonly #spare = new TokenBucket(SPARE_BURST_MS, SPARE_LEAST_BURST_BYTES);

  /** @param bytesPerMs the sum over the usable paths that are not metered; NaN or 0 when it is not known. */
  setRate(bytesPerMs: number, nowMs: number): void {
    this.#bucket.setRate(bytesPerMs > 0 ? bytesPerMs * this.#ratio : 0, nowMs);
    this.#spare.setRate(bytesPerMs > 0 && this.#ratio > 0 ? bytesPerMs * SPARE_RATIO : 0, nowMs);
  }

  /** The same for a frame of any kind, on a line that has nothing to do. */
  admitsSpare(bytes: number, nowMs: number): boolean {
    if (!this.#spare.take(bytes, nowMs)) return false;
    this.counters.spare++;
    this.duplicatedBytes += bytes;
    return true;
  }

  /**
   * May a second copy of this frame go out on this path now? Metered ones are not asked about. If so, it is paid for.
   * @param queueMs predicted wait in the line; NaN when it is not known.
   */
  admits(bytes: number, queueMs: number, nowMs: number): boolean {
    if (queueMs < IDLE_LINE_MS) this.counters.idleLine++;
    else if (this.#ratio > 0 && this.#bucket.take(bytes, nowMs)) this.counters.budget++;
    else {
      this.counters.overBudget++;
      return false;
    }
    this.duplicatedBytes += bytes;
    return true;
  }
}
