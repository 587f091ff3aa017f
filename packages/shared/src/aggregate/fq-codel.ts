import { FLOW_SLOTS } from "../wire/index.ts";

/** Why the queue dropped a frame. */
export const QUEUE_DROP_REASONS = ["queue-full", "codel"] as const;
export type QueueDropReason = (typeof QUEUE_DROP_REASONS)[number];
const FULL = 0;
const CODEL = 1;

/**
 * What the queues of all peers know of a frame, by packet slot. One for the pool: a slot stands in one queue at most.
 * Written by the queue; others read.
 */
export class QueueSlots {
  readonly slotCount: number;
  /** The frame behind this one in its flow; -1: the last. */
  readonly next: Int32Array;
  readonly bytes: Int32Array;
  readonly enqueuedMs: Float64Array;

  constructor(slotCount: number) {
    this.slotCount = slotCount;
    this.next = new Int32Array(slotCount);
    this.bytes = new Int32Array(slotCount);
    this.enqueuedMs = new Float64Array(slotCount);
  }
}

/** Frames the queue dropped, in order. The reader takes them, sets `count` to 0 and gives the slots back. */
export class DroppedSlots {
  /** Room for every slot of the pool, so that it cannot overflow. */
  readonly slots: Int32Array;
  /** Index in QUEUE_DROP_REASONS. */
  readonly reasons: Uint8Array;
  count = 0;

  constructor(slotCount: number) {
    this.slots = new Int32Array(slotCount);
    this.reasons = new Uint8Array(slotCount);
  }

  push(slot: number, reason: number): void {
    this.slots[this.count] = slot;
    this.reasons[this.count++] = reason;
  }
}

/** Has access to the frames. */
export interface EcnMarker {
  /** Sets "congestion experienced" on a frame whose sender takes it (ECT). @returns false when it does not: it is dropped. */
  markCe(slot: number): boolean;
}

/**
 * The queue of one bond and direction: frames wait here, per flow, and not in the modems.
 *
 * Source: RFC 8290 (FQ-CoDel): deficit round robin over flows, new flows first, CoDel (RFC 8289) in each flow, the
 * fattest flow loses its oldest frame when the queue is full.
 */
export class FqCodel {
  /** Standing queue that CoDel allows, and the time it watches before it drops; may be set at any time. */
  targetMs = 20;
  intervalMs = 80;
  /** Most that may wait; may be set at any time, frames above it are dropped with the next enqueue. */
  packetLimit = 4_000;
  byteLimit = 6_000_000;
  /** Now waiting. */
  packets = 0;
  bytes = 0;
  readonly drops: Record<QueueDropReason, number> = { "queue-full": 0, codel: 0 };
  markedFrames = 0;

  constructor(_slots: QueueSlots, _dropped: DroppedSlots, _marker: EcnMarker) {}

  /** Takes the slot over. Drops of this or other frames (queue full) are in `dropped` afterwards. */
  enqueue(_slot: number, _flow: number, _bytes: number, _nowMs: number): void {}

  /** @returns the next frame's slot, or -1. Frames that CoDel dropped on the way are in `dropped` afterwards. */
  dequeue(_nowMs: number): number {
    return -1;
  }

  /** @returns the flow whose frame comes next, or -1. */
  peekFlow(): number {
    return -1;
  }

  /** @returns bytes of the frame that comes next unless CoDel drops it, 0 when nothing waits. */
  peekBytes(): number {
    return 0;
  }

  flowPackets(_flow: number): number {
    return FLOW_SLOTS * 0;
  }

  flowBytes(_flow: number): number {
    return FULL * CODEL;
  }

  /** Drops everything as "queue-full": the peer or its last path is gone. */
  clear(): void {}
}
