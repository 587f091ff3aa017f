/** What a host sends is looked at over such a span. */
const WINDOW_MS = 1_000;
/** It sends in bulk when it fills the soonest line by this much, in so many spans one after the other. */
const FILLS_RATIO = 0.75;
const WINDOWS = 2;
/** Where the slowest line is no further behind, a connection fills both by itself. */
const LEAST_BEHIND_MS = 8;
const REMEMBERED_MS = 600_000;
const MOST_SOURCES = 256;

/** A host was found to send in bulk. */
export interface BulkSource {
  readonly rateBytesPerMs: number;
  readonly soonestBytesPerMs: number;
}

/**
 * The hosts that were seen to send more than the soonest line takes, in the last minutes.
 *
 * It looks at the one host that may have sent more than all others together (Boyer and Moore's majority vote, by bytes): where
 * two share the lines, neither is held back by its own window.
 */
export class BulkSources {
  /** Until when each is remembered, the one seen last at the end. */
  readonly #untilMs = new Map<number, number>();
  #candidate = 0;
  /** Of the candidate, beyond those of all others. */
  #bytes = 0;
  #full = 0;
  #fullOf = 0;
  #windowMs = Number.NEGATIVE_INFINITY;

  /** @param source any number that stands for a host. */
  onFrame(source: number, bytes: number): void {
    if (source === this.#candidate) this.#bytes += bytes;
    else if (this.#bytes < bytes) {
      this.#candidate = source;
      this.#bytes = bytes - this.#bytes;
    } else this.#bytes -= bytes;
  }

  has(source: number, nowMs: number): boolean {
    return (this.#untilMs.get(source) ?? Number.NEGATIVE_INFINITY) > nowMs;
  }

  /**
   * Call every now and then. @param soonestBytesPerMs rate of the path with the least delay, NaN: unknown. @param behindMs by
   * how much the slowest path has more. @returns what was found, if a host was not known before; null: nothing new.
   */
  look(soonestBytesPerMs: number, behindMs: number, nowMs: number): BulkSource | null {
    const spanMs = nowMs - this.#windowMs;
    if (spanMs < WINDOW_MS) return null;
    this.#windowMs = nowMs;
    const rateBytesPerMs = this.#bytes / spanMs;
    this.#bytes = 0;
    const isFull = behindMs >= LEAST_BEHIND_MS && rateBytesPerMs >= FILLS_RATIO * soonestBytesPerMs;
    this.#full = isFull ? (this.#fullOf === this.#candidate ? this.#full + 1 : 1) : 0;
    this.#fullOf = this.#candidate;
    if (this.#full < WINDOWS) return null;
    const isNew = !this.has(this.#candidate, nowMs);
    this.#remember(this.#candidate, nowMs);
    return isNew ? { rateBytesPerMs, soonestBytesPerMs } : null;
  }

  #remember(source: number, nowMs: number): void {
    const sources = this.#untilMs;
    sources.delete(source);
    sources.set(source, nowMs + REMEMBERED_MS);
    for (const oldest of sources.keys()) {
      if (sources.size <= MOST_SOURCES) return;
      sources.delete(oldest);
    }
  }
}
