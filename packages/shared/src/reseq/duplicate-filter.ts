import { FLOW_SLOTS } from "../wire/index.ts";
import { sequenceDistance } from "./serial.ts";

/** Verdicts of a DuplicateFilter. */
export const NEW = 0;
export const DUPLICATE = 1;
export const TOO_OLD = 2;

/** 1 KiB per flow slot in use, 256 KiB when all are. */
const WINDOW_BITS = 8192;
const WORD_BITS = 32;
const WORDS = WINDOW_BITS / WORD_BITS;
const WORD_MASK = WORDS - 1;
/**
 * Sequences behind the newest that are still told apart: one word is always being cleared. Two seconds between the
 * fastest and the slowest path at 4000 frames a second fit in.
 */
export const DUPLICATE_WINDOW = WINDOW_BITS - WORD_BITS;

/**
 * Says of each frame whether its flow slot has had it before.
 *
 * Source: RFC 6479, with a window per flow slot and 24-bit serial arithmetic. Differs from a replay window in that it sees
 * authentic frames only: it finds copies that were sent on purpose (broadcast, retransmission, real-time duplicates).
 * A flow slot's window is allocated at its first frame and kept.
 */
export class DuplicateFilter {
  duplicates = 0;
  tooOld = 0;
  readonly #newest = new Int32Array(FLOW_SLOTS).fill(-1);
  readonly #windows: (Int32Array | undefined)[] = new Array<Int32Array | undefined>(FLOW_SLOTS).fill(undefined);

  /** Takes note of a frame. @returns NEW the first time, else DUPLICATE or TOO_OLD (counted: the frame is to be dropped). */
  accept(flowSlot: number, sequence: number): number {
    const newest = this.#newest[flowSlot] ?? -1;
    const window = this.#windows[flowSlot];
    if (newest < 0 || window === undefined) return this.#start(flowSlot, sequence);
    const ahead = sequenceDistance(sequence, newest);
    if (ahead > 0) {
      this.#advance(window, newest, ahead);
      this.#newest[flowSlot] = sequence;
    } else if (ahead <= -DUPLICATE_WINDOW) {
      this.tooOld++;
      return TOO_OLD;
    }
    const at = (sequence >>> 5) & WORD_MASK;
    const word = window[at] ?? 0;
    const bit = 1 << (sequence & 31);
    if ((word & bit) !== 0) {
      this.duplicates++;
      return DUPLICATE;
    }
    window[at] = word | bit;
    return NEW;
  }

  /** The sender numbers anew: a new session. */
  reset(): void {
    this.#newest.fill(-1);
  }

  #start(flowSlot: number, sequence: number): number {
    const window = this.#windows[flowSlot] ?? new Int32Array(WORDS);
    window.fill(0);
    window[(sequence >>> 5) & WORD_MASK] = 1 << (sequence & 31);
    this.#windows[flowSlot] = window;
    this.#newest[flowSlot] = sequence;
    return NEW;
  }

  /** Clears the words that come into the window when the newest moves `ahead` further. */
  #advance(window: Int32Array, newest: number, ahead: number): void {
    const from = newest >>> 5;
    const fresh = Math.min(((newest & 31) + ahead) >>> 5, WORDS);
    for (let i = 1; i <= fresh; i++) window[(from + i) & WORD_MASK] = 0;
  }
}
