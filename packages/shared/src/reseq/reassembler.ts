import { MAX_FRAME_BYTES } from "../wire/index.ts";

/** Where frames are put together; the packet pool of the forwarder fulfils it. */
export interface FrameSlots {
  /** @returns a free packet slot, or -1. */
  take(): number;
  give(slot: number): void;
  /** Byte of the pool at which the frame of a slot starts. */
  frameOffset(slot: number): number;
}

/** A frame that is cut into more pieces than this is not ours: 1500 bytes over members of 576 make three. */
const MAX_PIECES = 8;
const FREE = -1;

/**
 * Joins the fragments of frames that were larger than a member's MTU.
 *
 * Fragments come in any order and, with broadcast, more than once: an exact copy of a known fragment, or any fragment of a
 * frame that was completed lately, is a duplicate. One that overlaps another, reaches beyond the frame or differs about
 * its length is refused. A frame takes a packet slot from its first fragment on, until completed or too old.
 */
export class Reassembler {
  /** When onTimer wants to be called; Infinity while no frame is incomplete. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** Length of the frame that push() completed last. */
  completedBytes = 0;
  /** Incomplete frames, each in a packet slot. */
  partialFrames = 0;
  readonly counters = { completed: 0, duplicates: 0, refused: 0, timedOut: 0, evicted: 0, noSlot: 0 };
  readonly #pool: Uint8Array;
  readonly #frames: FrameSlots;
  readonly #headroom: number;
  readonly #maxPartial: number;
  readonly #timeoutMs: number;
  /** Of each partial frame: its packet slot or FREE, flow slot and sequence, bytes in all and so far, first arrival. */
  readonly #slot: Int32Array;
  readonly #key: Int32Array;
  readonly #total: Int32Array;
  readonly #received: Int32Array;
  readonly #sinceMs: Float64Array;
  readonly #pieces: Int32Array;
  /** Starts and ends of the pieces of each partial frame. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Keys of the frames completed last, a ring. */
  readonly #done: Int32Array;
  #doneCount = 0;

  /**
   * @param pool what fragments are copied from and frames are made in.
   * @param headroom bytes to leave free in front of a joined payload, behind the start of its slot's frame.
   */
  constructor(
    pool: Uint8Array,
    frames: FrameSlots,
    config: { readonly headroom: number; readonly maxPartial: number; readonly timeoutMs: number },
  ) {
    this.#pool = pool;
    this.#frames = frames;
    this.#headroom = config.headroom;
    this.#maxPartial = config.maxPartial;
    this.#timeoutMs = config.timeoutMs;
    this.#slot = new Int32Array(config.maxPartial).fill(FREE);
    this.#key = new Int32Array(config.maxPartial);
    this.#total = new Int32Array(config.maxPartial);
    this.#received = new Int32Array(config.maxPartial);
    this.#sinceMs = new Float64Array(config.maxPartial);
    this.#pieces = new Int32Array(config.maxPartial);
    this.#starts = new Int32Array(config.maxPartial * MAX_PIECES);
    this.#ends = new Int32Array(config.maxPartial * MAX_PIECES);
    this.#done = new Int32Array(config.maxPartial);
  }

  /**
   * Copies one fragment; the caller may reuse its bytes afterwards.
   *
   * @param offset where it belongs in the frame, total the length of the whole frame, both as received.
   * @param from its first byte in the pool, length its length.
   * @returns the packet slot of the frame this completed (completedBytes long, the caller's from now on), else -1.
   */
  push(
    flowSlot: number,
    sequence: number,
    offset: number,
    total: number,
    from: number,
    length: number,
    nowMs: number,
  ): number {
    if (length <= 0 || length >= total || offset + length > total || total > MAX_FRAME_BYTES) return this.#refuse();
    const key = (flowSlot << 24) | sequence;
    let index = this.#find(key);
    if (index < 0) {
      if (this.#wasCompleted(key)) return this.#ignore();
      index = this.#open(key, total, nowMs);
      if (index < 0) return -1;
    }
    if (this.#total[index] !== total) return this.#refuse();
    if (!this.#addPiece(index, offset, offset + length)) return -1;
    const slot = this.#slot[index] ?? FREE;
    this.#pool.copyWithin(this.#frames.frameOffset(slot) + this.#headroom + offset, from, from + length);
    const received = (this.#received[index] ?? 0) + length;
    this.#received[index] = received;
    return received === total ? this.#complete(index) : -1;
  }

  /** Gives up frames that are older than the timeout. Early or repeated calls do no harm. */
  onTimer(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs) return;
    this.nextDeadlineMs = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#maxPartial; index++) {
      if (this.#slot[index] === FREE) continue;
      const dueMs = (this.#sinceMs[index] ?? 0) + this.#timeoutMs;
      if (nowMs < dueMs) {
        this.nextDeadlineMs = Math.min(this.nextDeadlineMs, dueMs);
        continue;
      }
      this.counters.timedOut++;
      this.#discard(index);
    }
  }

  /** The sender numbers anew: incomplete frames are given up. */
  reset(): void {
    for (let index = 0; index < this.#maxPartial; index++) if (this.#slot[index] !== FREE) this.#discard(index);
    this.#doneCount = 0;
    this.nextDeadlineMs = Number.POSITIVE_INFINITY;
  }

  #find(key: number): number {
    for (let index = 0; index < this.#maxPartial; index++) {
      if (this.#key[index] === key && this.#slot[index] !== FREE) return index;
    }
    return -1;
  }

  #wasCompleted(key: number): boolean {
    const known = Math.min(this.#doneCount, this.#maxPartial);
    for (let i = 0; i < known; i++) if (this.#done[i] === key) return true;
    return false;
  }

  #open(key: number, total: number, nowMs: number): number {
    const index = this.#room();
    const slot = this.#frames.take();
    if (slot < 0) {
      this.counters.noSlot++;
      return -1;
    }
    this.partialFrames++;
    this.#slot[index] = slot;
    this.#key[index] = key;
    this.#total[index] = total;
    this.#received[index] = 0;
    this.#pieces[index] = 0;
    this.#sinceMs[index] = nowMs;
    this.nextDeadlineMs = Math.min(this.nextDeadlineMs, nowMs + this.#timeoutMs);
    return index;
  }

  /** For want of room: gives up the oldest until so many are left at most. */
  holdAtMost(frames: number): void {
    while (this.partialFrames > Math.max(0, frames)) this.#evictOldest();
  }

  /** @returns a free place, the oldest partial frame's if there is no other. */
  #room(): number {
    for (let index = 0; index < this.#maxPartial; index++) if (this.#slot[index] === FREE) return index;
    return this.#evictOldest();
  }

  /** @returns its place. */
  #evictOldest(): number {
    let oldest = -1;
    for (let index = 0; index < this.#maxPartial; index++) {
      if (this.#slot[index] === FREE) continue;
      if (oldest < 0 || (this.#sinceMs[index] ?? 0) < (this.#sinceMs[oldest] ?? 0)) oldest = index;
    }
    this.counters.evicted++;
    this.#discard(oldest);
    return oldest;
  }

  /** @returns false when the bytes from start to end are not news. */
  #addPiece(index: number, start: number, end: number): boolean {
    const first = index * MAX_PIECES;
    const count = this.#pieces[index] ?? 0;
    for (let at = first; at < first + count; at++) {
      const otherStart = this.#starts[at] ?? 0;
      const otherEnd = this.#ends[at] ?? 0;
      if (start >= otherEnd || end <= otherStart) continue;
      if (start === otherStart && end === otherEnd) this.#ignore();
      else this.#refuse();
      return false;
    }
    if (count === MAX_PIECES) {
      this.#refuse();
      return false;
    }
    this.#starts[first + count] = start;
    this.#ends[first + count] = end;
    this.#pieces[index] = count + 1;
    return true;
  }

  #complete(index: number): number {
    const slot = this.#slot[index] ?? FREE;
    this.#slot[index] = FREE;
    this.partialFrames--;
    this.#done[this.#doneCount++ % this.#maxPartial] = this.#key[index] ?? 0;
    this.completedBytes = this.#total[index] ?? 0;
    this.counters.completed++;
    return slot;
  }

  #discard(index: number): void {
    this.#frames.give(this.#slot[index] ?? FREE);
    this.#slot[index] = FREE;
    this.partialFrames--;
  }

  #refuse(): -1 {
    this.counters.refused++;
    return -1;
  }

  #ignore(): -1 {
    this.counters.duplicates++;
    return -1;
  }
}
