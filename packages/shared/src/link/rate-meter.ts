const BUCKETS = 8;
const BUCKET_MS = 125;

/** Bytes in total and kbit/s over the last second, in steps of an eighth of a second. */
export class RateMeter {
  /** Those that are full; in place of the one that is being filled, 0. */
  readonly #buckets = new Float64Array(BUCKETS + 1);
  #at = 0;
  #filledBytes = 0;
  /** In the bucket that is being filled. */
  #newBytes = 0;
  #bucketEndsMs: number;

  constructor(nowMs: number) {
    this.#bucketEndsMs = nowMs + BUCKET_MS;
  }

  add(sizeBytes: number, nowMs: number): void {
    if (nowMs >= this.#bucketEndsMs) this.#advance(nowMs);
    this.#newBytes += sizeBytes;
  }

  get totalBytes(): number {
    return this.#filledBytes + this.#newBytes;
  }

  /** Over the eight full buckets before the one that is being filled. */
  kbps(nowMs: number): number {
    if (nowMs >= this.#bucketEndsMs) this.#advance(nowMs);
    let sumBytes = 0;
    for (let i = 0; i <= BUCKETS; i++) if (i !== this.#at) sumBytes += this.#buckets[i] ?? 0;
    return (sumBytes * 8) / (BUCKETS * BUCKET_MS);
  }

  #advance(nowMs: number): void {
    const steps = Math.floor((nowMs - this.#bucketEndsMs) / BUCKET_MS) + 1;
    this.#buckets[this.#at] = this.#newBytes;
    this.#filledBytes += this.#newBytes;
    this.#newBytes = 0;
    for (let i = 0; i < steps && i <= BUCKETS; i++) {
      this.#at = (this.#at + 1) % (BUCKETS + 1);
      this.#buckets[this.#at] = 0;
    }
    this.#bucketEndsMs += steps * BUCKET_MS;
  }
}
