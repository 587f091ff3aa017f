/** A frame that goes out at once, on the two best paths if the budget allows. */
export const FRAME_REALTIME = 1;
/** It waits for a retransmission. */
export const FRAME_WAITING = 2;
/** Two copies went out at once, as the lines had nothing else to do. */
export const FRAME_TWICE = 4;

/** Its flow has the delay of the slowest line: it may go by any. */
export const FRAME_EVEN = 8;

const NONE = -1;

/**
 * What a sender knows of each frame, by packet slot of the pool. One table serves all peers of a forwarder, since a slot
 * belongs to one holder at a time: the queue, then the sent logs of the paths, until a copy of it is acknowledged.
 */
export class FrameTable {
  readonly slotCount: number;
  /** Lives of the slot so far. A record that names an older one speaks of a frame that is gone. */
  readonly lives: Uint32Array;
  /** Flow numbers. */
  readonly flows: Uint16Array;
  /** Given and read by the owner, within the flow slot; the same for all copies. */
  readonly sequences: Int32Array;
  /** Of the datagram on the wire, IP header included. */
  readonly bytes: Uint16Array;
  readonly flags: Uint8Array;
  /** When the sender got it: its age for all limits. */
  readonly enqueuedMs: Float64Array;
  /** Copies under way: sent, neither acknowledged nor declared lost. */
  readonly copies: Uint8Array;
  /** Retransmissions so far. */
  readonly tries: Uint8Array;
  /** Path that lost the frame last, -1 before. */
  readonly lostPath: Int8Array;
  /** The frame behind this one: in its flow's queue, and later in the queue for retransmission; -1: the last. */
  readonly next: Int32Array;

  constructor(slotCount: number) {
    this.slotCount = slotCount;
    this.lives = new Uint32Array(slotCount);
    this.flows = new Uint16Array(slotCount);
    this.sequences = new Int32Array(slotCount);
    this.bytes = new Uint16Array(slotCount);
    this.flags = new Uint8Array(slotCount);
    this.enqueuedMs = new Float64Array(slotCount);
    this.copies = new Uint8Array(slotCount);
    this.tries = new Uint8Array(slotCount);
    this.lostPath = new Int8Array(slotCount);
    this.next = new Int32Array(slotCount);
  }

  /** A slot begins a new life. */
  begin(slot: number, flow: number, bytes: number, isRealtime: boolean, nowMs: number): void {
    this.flows[slot] = flow;
    this.bytes[slot] = bytes;
    this.flags[slot] = isRealtime ? FRAME_REALTIME : 0;
    this.enqueuedMs[slot] = nowMs;
    this.copies[slot] = 0;
    this.tries[slot] = 0;
    this.lostPath[slot] = NONE;
  }

  /** Its life is over: nothing that names it counts any more. */
  end(slot: number): void {
    this.lives[slot] = (this.lives[slot] ?? 0) + 1;
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
