/** Below 2^31 an index is a small integer to V8, and the packet loop's look-up needs no conversion. */
const INDEX_MASK = 0x7fffffff;

/** The session indexes of one process: random, so that they tell nothing, and each in use once. */
export class SessionIndexes {
  readonly #randomBytes: (size: number) => Uint8Array;
  readonly #inUse = new Set<number>();

  constructor(randomBytes: (size: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  get size(): number {
    return this.#inUse.size;
  }

  /** @returns an index > 0 that is this caller's until it is released. */
  allocate(): number {
    let index = 0;
    while (index === 0 || this.#inUse.has(index)) index = this.#draw();
    this.#inUse.add(index);
    return index;
  }

  release(index: number): void {
    this.#inUse.delete(index);
  }

  #draw(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#randomBytes(4);
    return ((a << 24) | (b << 16) | (c << 8) | d) & INDEX_MASK;
  }
}
