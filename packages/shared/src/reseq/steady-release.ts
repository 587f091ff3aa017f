import { FLOW_SLOTS } from "../wire/index.ts";
import type { SlotVector } from "./slot-vector.ts";

/** Milliseconds that frames can be told to wait, a power of two above the longest wait. */
const TICKS = 1024;
export const LONGEST_WAIT_MS = 1_000;
const MASK = TICKS - 1;
const NONE = -1;

/**
 * Hands frames on after the wait that each was given, by the millisecond, and never one of a flow slot before an earlier
 * one of it. Frames without a wait pass straight through.
 */
export class SteadyRelease {
  /** When onTimer wants to be called. Infinity while nothing waits. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** Frames waiting now, and frames that had to. */
  waiting = 0;
  delayed = 0;
  readonly #output: SlotVector;
  /** By packet slot. */
  readonly #dueMs: Float64Array;
  readonly #flows: Int32Array;
  readonly #next: Int32Array;
  /** By tick. */
  readonly #heads = new Int32Array(TICKS).fill(NONE);
  readonly #tails = new Int32Array(TICKS).fill(NONE);
  /** The tick in which the newest frame of a flow slot goes. */
  readonly #lastTick = new Float64Array(FLOW_SLOTS);

  constructor(output: SlotVector) {
    this.#output = output;
    const slots = output.slots.length;
    this.#dueMs = new Float64Array(slots);
    this.#flows = new Int32Array(slots);
    this.#next = new Int32Array(slots);
  }

  /** Tells of a frame that it is not to go before a time; it is pushed when it is its turn. */
  note(slot: number, flowSlot: number, dueMs: number): void {
    this.#dueMs[slot] = dueMs;
    this.#flows[slot] = flowSlot;
  }

  /** It is this frame's turn. */
  push(slot: number, nowMs: number): void {
    const flow = this.#flows[slot] ?? 0;
    const dueMs = Math.max(this.#dueMs[slot] ?? 0, this.#lastTick[flow] ?? 0);
    if (dueMs <= nowMs) {
      this.#emit(slot);
      return;
    }
    const tick = Math.ceil(dueMs);
    this.#lastTick[flow] = tick;
    this.#append(slot, tick & MASK);
    if (tick < this.nextDeadlineMs) this.nextDeadlineMs = tick;
  }

  /** Hands on what is due. To be called before frames are pushed, too. */
  onTimer(nowMs: number): void {
    if (nowMs < this.nextDeadlineMs) return;
    while (this.nextDeadlineMs <= nowMs) this.releaseFirst();
  }

  /** Hands everything on. */
  flush(): void {
    while (this.waiting > 0) this.releaseFirst();
    this.#lastTick.fill(0);
  }

  /** Hands on those that go first, whether due or not. Something must wait. */
  releaseFirst(): void {
    const tick = this.nextDeadlineMs;
    const at = tick & MASK;
    for (let slot = this.#heads[at] ?? NONE; slot !== NONE; slot = this.#next[slot] ?? NONE) {
      this.#emit(slot);
      this.waiting--;
    }
    this.#heads[at] = NONE;
    this.#tails[at] = NONE;
    this.nextDeadlineMs = this.#firstAfter(tick);
  }

  #firstAfter(tick: number): number {
    if (this.waiting === 0) return Number.POSITIVE_INFINITY;
    let next = tick + 1;
    while (this.#heads[next & MASK] === NONE) next++;
    return next;
  }

  #append(slot: number, at: number): void {
    const tail = this.#tails[at] ?? NONE;
    this.#next[slot] = NONE;
    if (tail === NONE) this.#heads[at] = slot;
    else this.#next[tail] = slot;
    this.#tails[at] = slot;
    this.waiting++;
    this.delayed++;
  }

  #emit(slot: number): void {
    const output = this.#output;
    output.slots[output.count++] = slot;
  }
}
