import { DESCRIPTOR_WORDS, OFFSET, SLOT_BYTES, SLOT_HEADROOM } from "./ports.ts";

/** Left for what has to be sent and received whatever waits. */
const RESERVED_SLOTS = 2_048;

/**
 * The packet slots of a forwarder and the descriptor of each. A slot belongs to exactly one holder at a time: the free
 * list, a batch under way, the resequencer.
 */
export class PacketPool {
  /** One per slot, of a frame that starts behind the headroom; who puts one there sets its length. */
  readonly descriptors: Int32Array;
  readonly slotCount: number;
  readonly #base: number;
  readonly #free: Int32Array;
  #freeCount = 0;

  /** @param baseOffset where the slots start in the pool, a multiple of 4. */
  constructor(slotCount: number, baseOffset: number) {
    this.slotCount = slotCount;
    this.#base = baseOffset;
    this.descriptors = new Int32Array(slotCount * DESCRIPTOR_WORDS);
    this.#free = new Int32Array(slotCount);
    for (let slot = slotCount - 1; slot >= 0; slot--) {
      this.descriptors[slot * DESCRIPTOR_WORDS + OFFSET] = this.frameOffset(slot);
      this.give(slot);
    }
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Free slots in which frames may wait, or be kept after they were sent; negative: some are to be given back. */
  get spareCount(): number {
    return this.#freeCount - RESERVED_SLOTS;
  }

  /** @returns a slot number, or -1 when all are held. */
  take(): number {
    if (this.#freeCount === 0) return -1;
    return this.#free[--this.#freeCount] ?? -1;
  }

  give(slot: number): void {
    this.#free[this.#freeCount++] = slot;
  }

  /** Where a frame starts in this slot: behind the headroom, 2 mod 4. */
  frameOffset(slot: number): number {
    return this.#base + slot * SLOT_BYTES + SLOT_HEADROOM;
  }
}
