import type { SideTarget } from "./side-sender.ts";

/** What a train may be at most, whoever asks. */
export const MAX_TRAIN_KBPS = 1_000_000;
export const MAX_TRAIN_BYTES = 32 * 1024 * 1024;
export const MIN_TRAIN_SIZE_BYTES = 128;
export const MAX_TRAIN_SIZE_BYTES = 1500;
/** One that cannot be sent in this time is given up: its clock has stood, or the socket takes nothing. */
const LONGEST_TRAIN_MS = 10_000;
/** Between two looks; what has become due in between goes out together. */
const STEP_MS = 1;

/** A train of datagrams of equal size on its way out at a fixed rate, in steps of a millisecond. */
export class Train {
  readonly number: number;
  readonly target: SideTarget;
  readonly sizeBytes: number;
  readonly count: number;
  readonly #perMs: number;
  readonly #startMs: number;
  #sent = 0;

  /** @param wanted within the limits above, or it is made so. */
  constructor(
    number: number,
    target: SideTarget,
    wanted: { readonly rateKbps: number; readonly bytes: number; readonly sizeBytes: number },
    nowMs: number,
  ) {
    this.number = number;
    this.target = target;
    this.sizeBytes = Math.min(MAX_TRAIN_SIZE_BYTES, Math.max(MIN_TRAIN_SIZE_BYTES, wanted.sizeBytes));
    const rateKbps = Math.min(MAX_TRAIN_KBPS, Math.max(1, wanted.rateKbps));
    this.count = Math.max(1, Math.floor(Math.min(MAX_TRAIN_BYTES, wanted.bytes) / this.sizeBytes));
    this.#perMs = rateKbps / 8 / this.sizeBytes;
    this.#startMs = nowMs;
  }

  /** Index of the next datagram. */
  get sent(): number {
    return this.#sent;
  }

  /** How many are to go out now. */
  due(nowMs: number): number {
    if (nowMs - this.#startMs > LONGEST_TRAIN_MS) return 0;
    return Math.min(this.count, 1 + Math.floor((nowMs - this.#startMs) * this.#perMs)) - this.#sent;
  }

  /** What the kernel did not take is not sent again: it is lost as on a full line. */
  onSent(count: number): void {
    this.#sent += count;
  }

  isOver(nowMs: number): boolean {
    return this.#sent >= this.count || nowMs - this.#startMs > LONGEST_TRAIN_MS;
  }

  nextMs(nowMs: number): number {
    return Math.max(nowMs + STEP_MS, this.#startMs + this.#sent / this.#perMs);
  }
}
