import type { SentMark } from "./path-controller.ts";

/** What became of a datagram. */
export const SENT_UNKNOWN = 0;
export const SENT_FLYING = 1;
export const SENT_ACKED = 2;
/** Something sent later arrived, or should have, and this did not. */
export const SENT_LOST = 3;
/** Given up with all that was under way on a path that went silent. */
export const SENT_REINJECTED = 4;
/** A control datagram: on the line as any other, but nobody reports it for its own sake. */
export const SENT_CONTROL = 5;

/** Why it was sent. */
export const KIND_FIRST = 0;
export const KIND_RETRANSMISSION = 1;
export const KIND_DUPLICATE = 2;
export const KIND_PARITY = 3;

const NO_SLOT = -1;
const FIRST_CAPACITY = 256;
/** Twice what the far end's replay window lets overtake each other. */
const MOST_CAPACITY = 16_384;
/** Counters that may be left out in a row. */
const MOST_LEFT_OUT = 64;
export const MOST_LOGGED = MOST_CAPACITY - MOST_LEFT_OUT;

/**
 * What was sent on one path, by counter: a ring that grows with what is under way, up to a limit. Counters rise by one;
 * one that was left out is unknown. Entries stay until they are overwritten, so that what arrives late is recognised.
 */
export class SentLog {
  /** Counters in [oldest, next) are remembered; those below `unsettled` are neither flying nor control. */
  oldest = 0;
  unsettled = 0;
  next = 0;
  /** Datagrams in state SENT_FLYING. */
  flyingCount = 0;
  states = new Uint8Array(FIRST_CAPACITY);
  kinds = new Uint8Array(FIRST_CAPACITY);
  bytes = new Uint16Array(FIRST_CAPACITY);
  /** -1: no frame belongs to it. */
  slots = new Int32Array(FIRST_CAPACITY);
  lives = new Uint32Array(FIRST_CAPACITY);
  sentMs = new Float64Array(FIRST_CAPACITY);
  #queueMs = new Float64Array(FIRST_CAPACITY);
  #correctionMs = new Float64Array(FIRST_CAPACITY);
  #idleSinceMs = new Float64Array(FIRST_CAPACITY);
  #sentBytes = new Float64Array(FIRST_CAPACITY);
  #mask = FIRST_CAPACITY - 1;

  /** Whether another entry would push out one that is not settled. */
  get isFull(): boolean {
    return this.next - this.unsettled >= MOST_LOGGED;
  }

  /** @returns the place of a remembered counter in the arrays. */
  index(counter: number): number {
    return counter & this.#mask;
  }

  has(counter: number): boolean {
    return counter >= this.oldest && counter < this.next;
  }

  /** Whether `add` can go on with this counter; if not, `restart` comes first. */
  continues(counter: number): boolean {
    return counter >= this.next && counter - this.next <= MOST_LEFT_OUT;
  }

  /** Begins anew with this counter. Nothing may be flying. */
  restart(counter: number): void {
    this.oldest = counter;
    this.unsettled = counter;
    this.next = counter;
    this.states.fill(SENT_UNKNOWN);
  }

  /**
   * Notes a datagram. The log must not be full, and go on with this counter.
   * @param slot and @param life of its frame; slot -1: none.
   */
  add(
    counter: number,
    slot: number,
    life: number,
    kind: number,
    state: number,
    bytes: number,
    nowMs: number,
    mark: SentMark,
  ): void {
    if (counter - this.unsettled > this.#mask >> 1 && this.#mask < MOST_CAPACITY - 1) this.#grow();
    if (counter - this.oldest > this.#mask) this.oldest = counter - this.#mask;
    for (let left = this.next; left < counter; left++) this.#leaveOut(left & this.#mask);
    const at = counter & this.#mask;
    this.states[at] = state;
    this.kinds[at] = kind;
    this.bytes[at] = bytes;
    this.slots[at] = slot;
    this.lives[at] = life;
    this.sentMs[at] = nowMs;
    this.#queueMs[at] = mark.queueMs;
    this.#correctionMs[at] = mark.correctionMs;
    this.#idleSinceMs[at] = mark.idleSinceMs;
    this.#sentBytes[at] = mark.sentBytes;
    if (state === SENT_FLYING) this.flyingCount++;
    this.next = counter + 1;
  }

  readMark(at: number, mark: SentMark): void {
    mark.queueMs = this.#queueMs[at] ?? 0;
    mark.correctionMs = this.#correctionMs[at] ?? 0;
    mark.idleSinceMs = this.#idleSinceMs[at] ?? 0;
    mark.sentBytes = this.#sentBytes[at] ?? 0;
  }

  /** A datagram is no longer flying, nor to be waited for. */
  settle(at: number, state: number): void {
    if (this.states[at] === SENT_FLYING) this.flyingCount--;
    this.states[at] = state;
  }

  /** Moves `unsettled` up to the first datagram that is not settled. */
  advance(): void {
    let counter = this.unsettled;
    for (; counter < this.next; counter++) {
      const state = this.states[counter & this.#mask];
      if (state === SENT_FLYING || state === SENT_CONTROL) break;
    }
    this.unsettled = counter;
  }

  /** @returns the oldest flying counter that is not below `from`, or -1. */
  oldestFlying(from = 0): number {
    if (this.flyingCount === 0) return -1;
    for (let counter = Math.max(this.unsettled, from); counter < this.next; counter++) {
      if (this.states[counter & this.#mask] === SENT_FLYING) return counter;
    }
    return -1;
  }

  /** The peer may report this datagram as received: no frame must be taken for its own. */
  #leaveOut(at: number): void {
    this.states[at] = SENT_UNKNOWN;
    this.slots[at] = NO_SLOT;
  }

  #grow(): void {
    const before = this.#mask;
    const capacity = 2 * (before + 1);
    const move = <T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(from: T, to: T): T => {
      for (let counter = this.oldest; counter < this.next; counter++) {
        to[counter & (capacity - 1)] = from[counter & before] ?? 0;
      }
      return to;
    };
    this.states = move(this.states, new Uint8Array(capacity));
    this.kinds = move(this.kinds, new Uint8Array(capacity));
    this.bytes = move(this.bytes, new Uint16Array(capacity));
    this.slots = move(this.slots, new Int32Array(capacity));
    this.lives = move(this.lives, new Uint32Array(capacity));
    this.sentMs = move(this.sentMs, new Float64Array(capacity));
    this.#queueMs = move(this.#queueMs, new Float64Array(capacity));
    this.#correctionMs = move(this.#correctionMs, new Float64Array(capacity));
    this.#idleSinceMs = move(this.#idleSinceMs, new Float64Array(capacity));
    this.#sentBytes = move(this.#sentBytes, new Float64Array(capacity));
    this.#mask = capacity - 1;
  }
}
