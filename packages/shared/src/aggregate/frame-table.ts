/** A frame that goes out at once, on the two best paths if the budget allows. */
export const FRAME_REALTIME = 1;
/** A copy of it was acknowledged. */
export const FRAME_DELIVERED = 2;
/** It waits for a retransmission. */
export const FRAME_WAITING = 4;

/**
 * What a sender knows of each frame, by packet slot of the pool. One table serves all peers of a forwarder, since a slot
 * belongs to one holder at a time: the queue, then the sent logs of the paths, until a copy of it is acknowledged.
 */
export class FrameTable {
  readonly slotCount: number;
  readonly flowSlots: Uint8Array;
  /** Given by the owner at the first transmission; -1 before. */
  readonly sequences: Int32Array;
  /** Of the datagram on the wire, IP header included. */
  readonly bytes: Uint16Array;
  readonly flags: Uint8Array;
  /** When the sender got it: its age for all limits. */
  readonly enqueuedMs: Float64Array;
  readonly firstSentMs: Float64Array;
  /** Copies under way: sent, neither acknowledged nor declared lost. */
  readonly copies: Uint8Array;
  /** Retransmissions so far. */
  readonly tries: Uint8Array;
  /** Path of the newest copy, -1 before the first. */
  readonly lastPath: Int8Array;

  constructor(slotCount: number) {
    this.slotCount = slotCount;
    this.flowSlots = new Uint8Array(slotCount);
    this.sequences = new Int32Array(slotCount).fill(-1);
    this.bytes = new Uint16Array(slotCount);
    this.flags = new Uint8Array(slotCount);
    this.enqueuedMs = new Float64Array(slotCount);
    this.firstSentMs = new Float64Array(slotCount).fill(Number.NaN);
    this.copies = new Uint8Array(slotCount);
    this.tries = new Uint8Array(slotCount);
    this.lastPath = new Int8Array(slotCount).fill(-1);
  }

  /** A slot begins a new life. */
  begin(slot: number, flowSlot: number, bytes: number, isRealtime: boolean, nowMs: number): void {
    this.flowSlots[slot] = flowSlot;
    this.sequences[slot] = -1;
    this.bytes[slot] = bytes;
    this.flags[slot] = isRealtime ? FRAME_REALTIME : 0;
    this.enqueuedMs[slot] = nowMs;
    this.firstSentMs[slot] = Number.NaN;
    this.copies[slot] = 0;
    this.tries[slot] = 0;
    this.lastPath[slot] = -1;
  }

  has(slot: number, flag: number): boolean {
    return ((this.flags[slot] ?? 0) & flag) !== 0;
  }

  set(slot: number, flag: number): void {
    this.flags[slot] = (this.flags[slot] ?? 0) | flag;
  }

  clear(slot: number, flag: number): void {
    this.flags[slot] = (this.flags[slot] ?? 0) & ~flag;
  }
}
