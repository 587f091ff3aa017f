import { VirtualQueue } from "./virtual-queue.ts";

const PACKET_BYTES = 1500;
/** Sizes of datagrams are remembered for one to two of these. */
const SIZES_MS = 1_000;
/** Rounding must not make a wait of nothing. */
const LEAST_WAIT_MS = 0.001;

/**
 * Says whether a line takes another datagram: by its window, its pauses, the model of its queue, and the speed that was
 * typed for it. It is asked for every datagram; what it goes by changes with reports alone.
 */
export class Gate {
  /** Model of the line's queue. */
  readonly queue = new VirtualQueue();
  inflightBytes = 0;
  /** As much may be under way. */
  windowBytes = 0;
  /** It is open while the model's queue is shorter. */
  targetMs = 0;
  /** It is shut until then. */
  shutUntilMs = 0;
  /** Typed speed, bytes per ms; Infinity: none. */
  limit = Number.POSITIVE_INFINITY;
  /** What was sent beyond the typed speed, as time, and how much may: no gain and no correction lets more pass. */
  readonly #typed = new VirtualQueue();
  #typedMs = Number.POSITIVE_INFINITY;
  #largestNow = PACKET_BYTES;
  #largestBefore = PACKET_BYTES;
  #turnedMs = Number.NEGATIVE_INFINITY;

  /** Of the datagrams of late, or of the last before a pause; > 0. */
  get largestBytes(): number {
    return Math.max(this.#largestNow, this.#largestBefore);
  }

  /** @param bytesPerMs Infinity: none. @param burstMs may be sent ahead of it, or two packets where they take longer. */
  setTypedLimit(bytesPerMs: number, burstMs: number): void {
    this.limit = bytesPerMs;
    const isTyped = bytesPerMs !== Number.POSITIVE_INFINITY;
    this.#typedMs = isTyped ? Math.max(burstMs, (1.25 * PACKET_BYTES) / bytesPerMs) : Number.POSITIVE_INFINITY;
  }

  /** A datagram goes out. @param paceBytesPerMs at which the line takes it. @returns how long it waits at the line. */
  add(bytes: number, paceBytesPerMs: number, nowMs: number): number {
    if (this.limit !== Number.POSITIVE_INFINITY) this.#typed.add(bytes / this.limit, nowMs);
    this.inflightBytes += bytes;
    if (bytes > this.#largestNow) this.#largestNow = bytes;
    return this.queue.add(bytes / paceBytesPerMs, nowMs);
  }

  /** Call every now and then: sizes age. */
  turn(nowMs: number): void {
    if (nowMs - this.#turnedMs < SIZES_MS || this.#largestNow === 0) return;
    this.#turnedMs = nowMs;
    this.#largestBefore = this.#largestNow;
    this.#largestNow = 0;
  }

  isOpen(nowMs: number): boolean {
    if (this.inflightBytes >= this.windowBytes || nowMs < this.shutUntilMs) return false;
    return this.queue.waitMs(nowMs) < this.targetMs && this.#typed.waitMs(nowMs) < this.#typedMs;
  }

  /** The same for what must not wait: the queue may be twice as long. */
  isOpenForUrgent(nowMs: number): boolean {
    if (this.inflightBytes >= this.windowBytes || nowMs < this.shutUntilMs) return false;
    return this.queue.waitMs(nowMs) < 2 * this.targetMs && this.#typed.waitMs(nowMs) < 2 * this.#typedMs;
  }

  /** When it opens by itself, not before it is shut: the model's queue and the typed speed alone. Infinity: it does not. */
  nextOpenMs(nowMs: number): number {
    if (this.isOpen(nowMs)) return nowMs;
    if (this.inflightBytes >= this.windowBytes) return Number.POSITIVE_INFINITY;
    const waitMs = Math.max(this.queue.waitMs(nowMs) - this.targetMs, this.#typed.waitMs(nowMs) - this.#typedMs);
    return Math.max(this.shutUntilMs, nowMs + Math.max(LEAST_WAIT_MS, waitMs));
  }
}
