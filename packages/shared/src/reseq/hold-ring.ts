import { sequenceDistance } from "./serial.ts";

/** Sequences one flow slot can reach ahead of the frame it waits for. Two seconds of 4000 frames a second. */
export const HOLD_WINDOW = 8192;
const SMALLEST = 64;
/** Of 16 bytes each: what all rings of one session may take together. */
const MAX_POSITIONS = 4 * HOLD_WINDOW;
const EMPTY = -1;

/** The frames of one flow slot that came before one that is missing, by sequence modulo the size. */
export class HoldRing {
  readonly size: number;
  /** Packet slots, -1 where the frame is missing. */
  readonly slots: Int32Array;
  /** When the first frame behind a sequence arrived, and when that frame was sent. */
  readonly sinceMs: Float64Array;
  readonly sentBehind: Int32Array;
  held = 0;
  /** The highest sequence held. */
  highest = 0;
  readonly #mask: number;

  /** @param size a power of two. */
  constructor(size: number) {
    this.size = size;
    this.slots = new Int32Array(size).fill(EMPTY);
    this.sinceMs = new Float64Array(size);
    this.sentBehind = new Int32Array(size);
    this.#mask = size - 1;
  }

  at(sequence: number): number {
    return sequence & this.#mask;
  }

  /** Puts a frame in its place, and notes with every newly missing one when, and by which frame, it was overtaken. */
  hold(slot: number, sequence: number, sentAt: number, nowMs: number): void {
    const beyond = sequenceDistance(sequence, this.highest);
    for (let i = 1; i <= beyond; i++) {
      const at = this.at(this.highest + i);
      this.sinceMs[at] = nowMs;
      this.sentBehind[at] = sentAt;
    }
    if (beyond > 0) this.highest = sequence;
    this.slots[this.at(sequence)] = slot;
    this.held++;
  }

  /** Takes the frame out. @returns its packet slot, or -1. */
  take(sequence: number): number {
    const at = sequence & this.#mask;
    const slot = this.slots[at] ?? EMPTY;
    if (slot === EMPTY) return EMPTY;
    this.slots[at] = EMPTY;
    this.held--;
    return slot;
  }

  /** Moves the sequences from `first` on over from a smaller ring, which is empty then. */
  adopt(other: HoldRing, first: number): void {
    const count = sequenceDistance(other.highest, first) + 1;
    for (let sequence = first; sequence < first + count; sequence++) {
      const from = other.at(sequence);
      const to = this.at(sequence);
      this.sinceMs[to] = other.sinceMs[from] ?? 0;
      this.sentBehind[to] = other.sentBehind[from] ?? 0;
      this.slots[to] = other.take(sequence);
      if (this.slots[to] !== EMPTY) this.held++;
    }
    this.highest = other.highest;
  }
}

/** Rings of one session, reused: after a while nothing is allocated any more. All of them together stay bounded. */
export class RingPool {
  readonly #free = new Map<number, HoldRing[]>();
  #positions = 0;

  /** @returns an empty ring of at least this size (at most HOLD_WINDOW), or undefined when there is no room for one. */
  take(atLeast: number): HoldRing | undefined {
    let size = SMALLEST;
    while (size < atLeast) size *= 2;
    const free = this.#free.get(size)?.pop();
    if (free !== undefined) return free;
    if (this.#positions + size > MAX_POSITIONS) this.#forgetFree();
    if (this.#positions + size > MAX_POSITIONS) return undefined;
    this.#positions += size;
    return new HoldRing(size);
  }

  /** @param ring empty. */
  give(ring: HoldRing): void {
    const free = this.#free.get(ring.size);
    if (free === undefined) this.#free.set(ring.size, [ring]);
    else free.push(ring);
  }

  #forgetFree(): void {
    for (const [size, rings] of this.#free) this.#positions -= size * rings.length;
    this.#free.clear();
  }
}
