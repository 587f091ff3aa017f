import { FLOW_SLOTS, SEQUENCE_MODULUS } from "../wire/index.ts";
import { HOLD_WINDOW, type HoldRing, RingPool } from "./hold-ring.ts";
import { sequenceDistance } from "./serial.ts";
import type { SlotVector } from "./slot-vector.ts";

const UNKNOWN = -1;
const EMPTY = -1;
const SEQUENCE_MASK = SEQUENCE_MODULUS - 1;

/**
 * The frames that wait for an earlier one, by flow slot, and what each flow slot waits for: a sender numbers from 0.
 *
 * It keeps the order; when to give a missing frame up is decided elsewhere, but for a flow slot that reaches too far ahead:
 * then its own hole is given up.
 */
export class OrderBuffer {
  /** Frames held now, of all flow slots. */
  heldFrames = 0;
  /** Frames that had to wait; those of them that were handed on; frames that came when given up; bounds that were met. */
  readonly counters = { held: 0, released: 0, late: 0, overflow: 0 };
  /** Flow slots with held frames are the first holdingCount, in no order. */
  readonly holding = new Int32Array(FLOW_SLOTS);
  holdingCount = 0;
  readonly #output: SlotVector;
  readonly #pool = new RingPool();
  readonly #rings: (HoldRing | undefined)[] = new Array<HoldRing | undefined>(FLOW_SLOTS).fill(undefined);
  readonly #expected = new Int32Array(FLOW_SLOTS).fill(UNKNOWN);
  /** Ring size a flow slot needed last time. */
  readonly #ringSize = new Int32Array(FLOW_SLOTS);

  constructor(output: SlotVector) {
    this.#output = output;
  }

  /** Takes a frame that did not come before: hands it on, with all that waited for it, or holds it. */
  push(slot: number, flowSlot: number, sequence: number, sentAt: number, nowMs: number): void {
    const ahead = this.#ahead(flowSlot, sequence);
    if (ahead === 0) {
      this.#passOn(slot, flowSlot, sequence);
      return;
    }
    const ring = ahead > 0 ? this.#makeRoom(flowSlot, sequence) : undefined;
    if (ring !== undefined) {
      ring.hold(slot, sequence, sentAt, nowMs);
      this.heldFrames++;
      this.counters.held++;
    } else if (this.#ahead(flowSlot, sequence) >= 0) {
      this.#passOn(slot, flowSlot, sequence);
    } else {
      this.counters.late++;
      this.#emit(slot);
    }
  }

  isHolding(flowSlot: number): boolean {
    return this.#rings[flowSlot] !== undefined;
  }

  /** The sequence a flow slot waits for. */
  missing(flowSlot: number): number {
    return this.#expected[flowSlot] ?? 0;
  }

  isMissingOrBefore(flowSlot: number, sequence: number): boolean {
    return sequenceDistance(sequence, this.missing(flowSlot)) <= 0;
  }

  /** When the first frame behind the missing one arrived; NaN when none is missing. */
  missingSinceMs(flowSlot: number): number {
    const ring = this.#rings[flowSlot];
    return ring?.sinceMs[ring.at(this.missing(flowSlot))] ?? Number.NaN;
  }

  /** When that frame was sent. */
  sentBehind(flowSlot: number): number {
    const ring = this.#rings[flowSlot];
    return ring?.sentBehind[ring.at(this.missing(flowSlot))] ?? 0;
  }

  /** Gives the missing frame up and hands on what waited for it alone. */
  skip(flowSlot: number): void {
    this.#expected[flowSlot] = (this.missing(flowSlot) + 1) & SEQUENCE_MASK;
    this.#releaseRun(flowSlot);
  }

  /** Gives the hole up that is oldest, and hands on what waited for it. Something must be held. */
  giveUpOldest(): void {
    this.#overflow(this.#oldest());
  }

  /** Hands everything on and waits for nothing. */
  reset(): void {
    while (this.holdingCount > 0) this.#releaseAll(this.holding[0] ?? 0);
    this.#expected.fill(UNKNOWN);
  }

  /** Takes note of a frame that is handed on without this buffer; nothing before it is waited for any more. */
  onPassed(flowSlot: number, sequence: number): void {
    if (this.#ahead(flowSlot, sequence) >= 0) this.#expected[flowSlot] = (sequence + 1) & SEQUENCE_MASK;
  }

  /** @returns how far a frame is ahead of the one its flow slot waits for. */
  #ahead(flowSlot: number, sequence: number): number {
    // All before a flow slot's first frame here are missing, unless they are more than can be waited for.
    if (this.#expected[flowSlot] === UNKNOWN) this.#expected[flowSlot] = sequence < HOLD_WINDOW ? 0 : sequence;
    return sequenceDistance(sequence, this.missing(flowSlot));
  }

  /** Hands a frame on, with what waited for it alone; anything missing before it is not waited for any more. */
  #passOn(slot: number, flowSlot: number, sequence: number): void {
    this.#emit(slot);
    this.#expected[flowSlot] = (sequence + 1) & SEQUENCE_MASK;
    this.#releaseRun(flowSlot);
  }

  #emit(slot: number): void {
    const output = this.#output;
    output.slots[output.count++] = slot;
  }

  /** Gives up holes of the flow slot until this frame can be held. @returns its ring, or undefined when it cannot be held. */
  #makeRoom(flowSlot: number, sequence: number): HoldRing | undefined {
    while (this.isHolding(flowSlot) && this.#ahead(flowSlot, sequence) >= HOLD_WINDOW) this.#overflow(flowSlot);
    const ahead = this.#ahead(flowSlot, sequence);
    if (ahead <= 0) return undefined;
    const ring = ahead < HOLD_WINDOW ? this.#ringFor(flowSlot, ahead + 1) : undefined;
    if (ring !== undefined) return ring;
    this.counters.overflow++;
    this.#releaseAll(flowSlot);
    return undefined;
  }

  /** @returns the flow slot's ring, taken or enlarged to have this many positions; undefined when there is no room. */
  #ringFor(flowSlot: number, positions: number): HoldRing | undefined {
    const ring = this.#rings[flowSlot];
    if (ring !== undefined && ring.size >= positions) return ring;
    const usual = Math.max(positions, this.#ringSize[flowSlot] ?? 0);
    const larger = this.#pool.take(usual) ?? this.#pool.take(positions);
    if (larger === undefined) return undefined;
    this.#rings[flowSlot] = larger;
    this.#ringSize[flowSlot] = larger.size;
    if (ring === undefined) {
      larger.highest = this.missing(flowSlot) - 1;
      this.holding[this.holdingCount++] = flowSlot;
    } else {
      larger.adopt(ring, this.missing(flowSlot));
      this.#pool.give(ring);
    }
    return larger;
  }

  /** The flow slot whose missing frame was overtaken first. */
  #oldest(): number {
    let oldest = this.holding[0] ?? 0;
    for (let i = 1; i < this.holdingCount; i++) {
      const flowSlot = this.holding[i] ?? 0;
      if (this.missingSinceMs(flowSlot) < this.missingSinceMs(oldest)) oldest = flowSlot;
    }
    return oldest;
  }

  /** Skips until at least one frame is handed on. */
  #overflow(flowSlot: number): void {
    this.counters.overflow++;
    const before = this.heldFrames;
    while (this.heldFrames === before && this.isHolding(flowSlot)) this.skip(flowSlot);
  }

  #releaseAll(flowSlot: number): void {
    while (this.isHolding(flowSlot)) this.skip(flowSlot);
  }

  /** Hands on held frames as far as none is missing, and the ring back when it is empty. */
  #releaseRun(flowSlot: number): void {
    const ring = this.#rings[flowSlot];
    if (ring === undefined) return;
    let sequence = this.missing(flowSlot);
    for (let slot = ring.take(sequence); slot !== EMPTY; slot = ring.take(sequence)) {
      this.#emit(slot);
      this.heldFrames--;
      this.counters.released++;
      sequence = (sequence + 1) & SEQUENCE_MASK;
    }
    this.#expected[flowSlot] = sequence;
    if (ring.held === 0) this.#giveBack(ring, flowSlot);
  }

  #giveBack(ring: HoldRing, flowSlot: number): void {
    this.#rings[flowSlot] = undefined;
    this.#pool.give(ring);
    const at = this.holding.indexOf(flowSlot);
    this.holding[at] = this.holding[--this.holdingCount] ?? 0;
  }
}
