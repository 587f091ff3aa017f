import type { AggregateSink, FrameDrop } from "./aggregate-sink.ts";
import { FRAME_REALTIME, FRAME_TWICE, FRAME_WAITING, type FrameTable } from "./frame-table.ts";
import type { Member } from "./member.ts";
import { SENT_FLYING } from "./sent-log.ts";

const NONE = -1;
const MOST_TRIES = 5;
/** What the ends above would have sent again by themselves long since. */
const USEFUL_MS = 2_000;
/** In place of the tries: a copy arrived while the frame waited to be sent again. */
const ARRIVED = 255;

/**
 * Keeps the frames that were sent until a copy of each is acknowledged, and those that are to be sent again in a queue.
 * Bytes and frames kept are bounded: beyond the limits a frame is sent without being kept.
 */
export class FrameKeeper {
  keptBytes = 0;
  keptFrames = 0;
  /** Most frames that may be kept; may be set at any time, and is looked at when another one comes. */
  frameLimit = Number.POSITIVE_INFINITY;
  /** Frames that were sent without being kept. */
  unkeptFrames = 0;
  /** Frames given up although no copy is known to have arrived. */
  readonly givenUp = { "too-old": 0, "too-many-tries": 0 };
  readonly #frames: FrameTable;
  readonly #sink: AggregateSink;
  readonly #limitBytes: number;
  #head = NONE;
  #tail = NONE;

  constructor(frames: FrameTable, sink: AggregateSink, limitBytes: number) {
    this.#frames = frames;
    this.#sink = sink;
    this.#limitBytes = limitBytes;
  }

  /** A frame is to be sent for the first time. @returns whether it is kept; if not, it is the caller's to let go. */
  keep(slot: number): boolean {
    const bytes = this.#frames.bytes[slot] ?? 0;
    if (this.keptBytes + bytes > this.#limitBytes || this.keptFrames >= this.frameLimit) {
      this.unkeptFrames++;
      return false;
    }
    this.keptBytes += bytes;
    this.keptFrames++;
    return true;
  }

  /** A kept frame could not be sent at all. */
  discard(slot: number, drop: FrameDrop | null): void {
    this.#forget(slot);
    this.#sink.release(slot, drop);
  }

  /** A copy of a kept frame is under way. */
  onCopySent(slot: number): void {
    this.#frames.copies[slot] = (this.#frames.copies[slot] ?? 0) + 1;
  }

  /** @returns whether the datagram at this place of a log carries a frame that is still kept. */
  isKept(member: Member, at: number): boolean {
    const slot = member.log.slots[at] ?? NONE;
    return slot !== NONE && this.#frames.lives[slot] === member.log.lives[at];
  }

  /** A copy arrived. @returns the path that had lost the frame before, or -1. */
  onArrived(slot: number): number {
    const lostPath = this.#frames.lostPath[slot] ?? NONE;
    this.#forget(slot);
    // Where it waits to be sent again it stays linked, and is let go when its turn comes.
    if (this.#frames.has(slot, FRAME_WAITING)) this.#frames.tries[slot] = ARRIVED;
    else this.#sink.release(slot, null);
    return lostPath;
  }

  /** A copy is lost, or given up with its path. @returns whether the frame waits to be sent again now. */
  onLost(slot: number, path: number, nowMs: number): boolean {
    const frames = this.#frames;
    const copies = Math.max(0, (frames.copies[slot] ?? 0) - 1);
    frames.copies[slot] = copies;
    frames.lostPath[slot] = path;
    if (frames.has(slot, FRAME_WAITING)) return false;
    // Where two copies went out at once the other one is as good as any that could be sent now.
    if (copies > 0 && frames.has(slot, FRAME_REALTIME | FRAME_TWICE)) return false;
    const drop = this.#verdict(slot, nowMs);
    if (drop === null) this.#push(slot);
    else if (copies === 0) this.#giveUp(slot, drop);
    return drop === null;
  }

  /** @returns the frame to be sent again first, or -1. Lets go of those that need it no more. */
  peek(nowMs: number): number {
    for (let slot = this.#head; slot !== NONE; slot = this.#head) {
      const hasArrived = this.#frames.tries[slot] === ARRIVED;
      const drop = hasArrived ? null : this.#verdict(slot, nowMs);
      if (!hasArrived && drop === null) return slot;
      this.take();
      if (drop === null) this.#sink.release(slot, null);
      else if (this.#frames.copies[slot] === 0) this.#giveUp(slot, drop);
    }
    return NONE;
  }

  /** Takes the first frame out of the queue. */
  take(): void {
    const slot = this.#head;
    this.#head = this.#frames.next[slot] ?? NONE;
    if (this.#head === NONE) this.#tail = NONE;
    this.#frames.clear(slot, FRAME_WAITING);
  }

  /** The sender ends: lets go of all that wait and all that are under way on these paths. */
  clear(members: readonly Member[]): void {
    for (let slot = this.#head; slot !== NONE; slot = this.#head) {
      this.take();
      if (this.#frames.tries[slot] !== ARRIVED) this.#forget(slot);
      this.#sink.release(slot, null);
    }
    for (const member of members) this.#clearLog(member);
  }

  #clearLog(member: Member): void {
    const { log } = member;
    for (let counter = log.unsettled; counter < log.next; counter++) {
      const at = log.index(counter);
      if (log.states[at] !== SENT_FLYING || !this.isKept(member, at)) continue;
      const slot = log.slots[at] ?? NONE;
      this.#forget(slot);
      this.#sink.release(slot, null);
    }
  }

  #push(slot: number): void {
    this.#frames.set(slot, FRAME_WAITING);
    this.#frames.next[slot] = NONE;
    if (this.#tail === NONE) this.#head = slot;
    else this.#frames.next[this.#tail] = slot;
    this.#tail = slot;
  }

  #giveUp(slot: number, drop: "too-old" | "too-many-tries"): void {
    this.givenUp[drop]++;
    this.#forget(slot);
    this.#sink.release(slot, drop);
  }

  #forget(slot: number): void {
    this.keptBytes -= this.#frames.bytes[slot] ?? 0;
    this.keptFrames--;
    this.#frames.end(slot);
  }

  #verdict(slot: number, nowMs: number): "too-old" | "too-many-tries" | null {
    if ((this.#frames.tries[slot] ?? 0) >= MOST_TRIES) return "too-many-tries";
    return nowMs - (this.#frames.enqueuedMs[slot] ?? 0) > USEFUL_MS ? "too-old" : null;
  }
}
