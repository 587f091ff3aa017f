/** Backlog below which CoDel leaves a flow alone: one full frame. */
const MAX_FRAME_BYTES = 1_514;
/** A flow that is back within so many intervals goes on at the pace of drops that it had. */
const REMEMBERED_INTERVALS = 16;

/**
 * CoDel for many flows: decides, frame by frame as they leave a queue, which one is to be dropped.
 *
 * Source: RFC 8289 section 5. Differs from its pseudocode in one point: it is asked once for each frame and does not
 * dequeue by itself, so the frame behind the first drop is looked at with its own sojourn time.
 */
export class Codel {
  /** Standing queue that is allowed. */
  targetMs: number;
  /** How long the queue may stand above it before the first drop: the largest round trip that is usual. */
  intervalMs: number;
  /** When the sojourn time will have been above the target for one interval; Infinity: it is not above. */
  readonly #dropFromMs: Float64Array;
  readonly #nextDropMs: Float64Array;
  readonly #dropping: Uint8Array;
  /** Drops since dropping began, and what that was when it began. */
  readonly #count: Int32Array;
  readonly #countAtStart: Int32Array;

  constructor(flowCount: number, targetMs: number, intervalMs: number) {
    this.targetMs = targetMs;
    this.intervalMs = intervalMs;
    this.#dropFromMs = new Float64Array(flowCount).fill(Number.POSITIVE_INFINITY);
    this.#nextDropMs = new Float64Array(flowCount);
    this.#dropping = new Uint8Array(flowCount);
    this.#count = new Int32Array(flowCount);
    this.#countAtStart = new Int32Array(flowCount);
  }

  /**
   * @param backlogBytes of this flow, behind the frame.
   * @returns true when the frame is to be dropped, or marked and sent.
   */
  shouldDrop(flow: number, sojournMs: number, backlogBytes: number, nowMs: number): boolean {
    const isAbove = this.#isAboveForLong(flow, sojournMs, backlogBytes, nowMs);
    if (this.#dropping[flow] === 0) return isAbove && this.#start(flow, nowMs);
    if (!isAbove) {
      this.#dropping[flow] = 0;
      return false;
    }
    const nextDropMs = this.#nextDropMs[flow] ?? 0;
    if (nowMs < nextDropMs) return false;
    this.#dropAgainFrom(flow, nextDropMs, (this.#count[flow] ?? 0) + 1);
    return true;
  }

  /** The queue of this flow ran empty. */
  onEmpty(flow: number): void {
    this.#dropFromMs[flow] = Number.POSITIVE_INFINITY;
  }

  #isAboveForLong(flow: number, sojournMs: number, backlogBytes: number, nowMs: number): boolean {
    if (sojournMs < this.targetMs || backlogBytes < MAX_FRAME_BYTES) {
      this.#dropFromMs[flow] = Number.POSITIVE_INFINITY;
      return false;
    }
    if (this.#dropFromMs[flow] === Number.POSITIVE_INFINITY) this.#dropFromMs[flow] = nowMs + this.intervalMs;
    return nowMs >= (this.#dropFromMs[flow] ?? 0);
  }

  #start(flow: number, nowMs: number): true {
    const grown = (this.#count[flow] ?? 0) - (this.#countAtStart[flow] ?? 0);
    const isRecent = nowMs - (this.#nextDropMs[flow] ?? 0) < REMEMBERED_INTERVALS * this.intervalMs;
    const count = grown > 1 && isRecent ? grown : 1;
    this.#dropping[flow] = 1;
    this.#countAtStart[flow] = count;
    this.#dropAgainFrom(flow, nowMs, count);
    return true;
  }

  #dropAgainFrom(flow: number, fromMs: number, count: number): void {
    this.#count[flow] = count;
    this.#nextDropMs[flow] = fromMs + this.intervalMs / Math.sqrt(count);
  }
}
