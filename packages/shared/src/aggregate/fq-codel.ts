import { FLOW_NUMBERS } from "../packet/index.ts";
import { Codel } from "./codel.ts";
import { FlowRounds } from "./flow-rounds.ts";
import { FRAME_EVEN, type FrameTable } from "./frame-table.ts";

/** Why the queue dropped a frame. */
export const QUEUE_DROP_REASONS = ["queue-full", "queue-delay"] as const;
type QueueDropReason = (typeof QUEUE_DROP_REASONS)[number];
const QUEUE_FULL = 0;
const QUEUE_DELAY = 1;

const NONE = -1;
/** What a flow may send in one round: a full Ethernet frame (RFC 8290 section 5.2.3). */
const QUANTUM_BYTES = 1_514;

/**
 * The time of an even flow's frames counts so much: its sender has a whole round trip's worth of them here (BBR), drops
 * change nothing about it, and it is nobody else's time.
 */
const EVEN_SHARE = 0.6;

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
interface EcnMarker {
  /** Sets "congestion experienced" on a frame whose sender takes it (ECT). @returns false when it does not: it is dropped. */
  markCe(slot: number): boolean;
}

/**
 * The queue of one bond and direction: frames wait here, per flow, and not in the modems.
 *
 * Source: RFC 8290 (FQ-CoDel): deficit round robin over flows, new flows first, CoDel (RFC 8289) in each flow; when the
 * queue is full, the flow with the most bytes loses its oldest frame. Flows are told apart by their numbers.
 */
export class FqCodel {
  /** Most that may wait. May be set at any time; what is above it is dropped with the next frame. */
  packetLimit = 4_000;
  byteLimit = 12_000_000;
  /** Now waiting. */
  packets = 0;
  bytes = 0;
  readonly drops: Record<QueueDropReason, number> = { "queue-full": 0, "queue-delay": 0 };
  /** Frames marked "congestion experienced" in place of a drop. */
  markedFrames = 0;
  readonly #frames: FrameTable;
  readonly #dropped: DroppedSlots;
  readonly #marker: EcnMarker;
  readonly #codel = new Codel(FLOW_NUMBERS, 20, 80);
  readonly #rounds = new FlowRounds(FLOW_NUMBERS, QUANTUM_BYTES);
  /** By flow: the oldest and the newest frame, and what lies between. */
  readonly #heads = new Int32Array(FLOW_NUMBERS).fill(NONE);
  readonly #tails = new Int32Array(FLOW_NUMBERS).fill(NONE);
  readonly #flowPackets = new Int32Array(FLOW_NUMBERS);
  readonly #flowBytes = new Int32Array(FLOW_NUMBERS);

  constructor(frames: FrameTable, dropped: DroppedSlots, marker: EcnMarker) {
    this.#frames = frames;
    this.#dropped = dropped;
    this.#marker = marker;
  }

  /** CoDel's standing queue and the time it watches before it drops; may be set at any time. */
  setTarget(targetMs: number, intervalMs: number): void {
    this.#codel.targetMs = targetMs;
    this.#codel.intervalMs = intervalMs;
  }

  /** Takes the slot over; bytes > 0. What the limits cost (this frame or others) is in the dropped slots afterwards. */
  enqueue(slot: number, flow: number, bytes: number, nowMs: number): void {
    this.#append(slot, flow);
    this.#frames.bytes[slot] = bytes;
    this.#frames.enqueuedMs[slot] = nowMs;
    this.#flowPackets[flow] = (this.#flowPackets[flow] ?? 0) + 1;
    this.#flowBytes[flow] = (this.#flowBytes[flow] ?? 0) + bytes;
    this.packets++;
    this.bytes += bytes;
    this.#rounds.join(flow);
    while (this.packets > this.packetLimit || this.bytes > this.byteLimit) if (!this.dropFromFattest()) return;
  }

  /** @returns the next frame's slot, or -1. What CoDel dropped on the way is in the dropped slots afterwards. */
  dequeue(nowMs: number): number {
    for (let flow = this.peekFlow(); flow !== NONE; flow = this.peekFlow()) {
      const slot = this.#takeHead(flow);
      const isEven = this.#frames.has(slot, FRAME_EVEN);
      const sojournMs = (nowMs - (this.#frames.enqueuedMs[slot] ?? 0)) * (isEven ? EVEN_SHARE : 1);
      if (this.#codel.shouldDrop(flow, sojournMs, this.#flowBytes[flow] ?? 0, nowMs) && !this.#mark(slot)) {
        this.#drop(slot, QUEUE_DELAY);
        continue;
      }
      this.#rounds.spend(flow, this.#frames.bytes[slot] ?? 0);
      return slot;
    }
    return NONE;
  }

  /** @returns the flow whose frame comes next, or -1. */
  peekFlow(): number {
    for (let flow = this.#rounds.turn(); flow !== NONE; flow = this.#rounds.turn()) {
      if (this.#heads[flow] !== NONE) return flow;
      this.#codel.onEmpty(flow);
      this.#rounds.pass();
    }
    return NONE;
  }

  /** @returns the frame that comes next, unless CoDel drops it then; -1 when nothing waits. */
  peek(): number {
    const flow = this.peekFlow();
    return flow === NONE ? NONE : (this.#heads[flow] ?? NONE);
  }

  flowPackets(flow: number): number {
    return this.#flowPackets[flow] ?? 0;
  }

  flowBytes(flow: number): number {
    return this.#flowBytes[flow] ?? 0;
  }

  /** Makes room: the oldest frame of the flow with the most bytes is dropped. @returns false when nothing waits. */
  dropFromFattest(): boolean {
    if (this.packets === 0) return false;
    this.#drop(this.#takeHead(this.#fattest()), QUEUE_FULL);
    return true;
  }

  /** Drops all that waits, for want of anybody to send it to. */
  clear(): void {
    while (this.dropFromFattest());
  }

  #append(slot: number, flow: number): void {
    const tail = this.#tails[flow] ?? NONE;
    this.#frames.next[slot] = NONE;
    if (tail === NONE) this.#heads[flow] = slot;
    else this.#frames.next[tail] = slot;
    this.#tails[flow] = slot;
  }

  #takeHead(flow: number): number {
    const slot = this.#heads[flow] ?? NONE;
    const bytes = this.#frames.bytes[slot] ?? 0;
    const next = this.#frames.next[slot] ?? NONE;
    this.#heads[flow] = next;
    if (next === NONE) this.#tails[flow] = NONE;
    this.#flowPackets[flow] = (this.#flowPackets[flow] ?? 0) - 1;
    this.#flowBytes[flow] = (this.#flowBytes[flow] ?? 0) - bytes;
    this.packets--;
    this.bytes -= bytes;
    return slot;
  }

  #fattest(): number {
    const flowBytes = this.#flowBytes;
    let fattest = 0;
    let most = 0;
    for (let flow = 0; flow < FLOW_NUMBERS; flow++) {
      const bytes = flowBytes[flow] ?? 0;
      if (bytes <= most) continue;
      fattest = flow;
      most = bytes;
    }
    return fattest;
  }

  #mark(slot: number): boolean {
    if (!this.#marker.markCe(slot)) return false;
    this.markedFrames++;
    return true;
  }

  #drop(slot: number, reason: number): void {
    if (reason === QUEUE_FULL) this.drops["queue-full"]++;
    else this.drops["queue-delay"]++;
    this.#dropped.push(slot, reason);
  }
}
