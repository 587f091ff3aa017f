const PER_SECOND = 20;
const BURST = 5;
/** After this long an unused bucket is full again, as good as none. */
const REFILL_MS = (BURST * 1000) / PER_SECOND;
const MAX_SOURCES = 1024;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Handshakes per source: 20 a second, 5 at once (WireGuard's figures). Remembers at most 1024 sources, newest last. */
export class SourceLimiter {
  readonly #buckets = new Map<string, Bucket>();

  /** @returns whether this source may have another one. */
  take(source: string, nowMs: number): boolean {
    this.#forgetFull(nowMs);
    const bucket = this.#buckets.get(source) ?? { tokens: BURST, atMs: nowMs };
    bucket.tokens = Math.min(BURST, bucket.tokens + ((nowMs - bucket.atMs) * PER_SECOND) / 1000);
    bucket.atMs = nowMs;
    this.#buckets.delete(source);
    this.#buckets.set(source, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #forgetFull(nowMs: number): void {
    for (const [source, bucket] of this.#buckets) {
      if (nowMs - bucket.atMs < REFILL_MS && this.#buckets.size < MAX_SOURCES) return;
      this.#buckets.delete(source);
    }
  }
}
