/** After a longer pause they were not full in between, whatever they are now. */
const MOST_SPAN_MS = 200;
/** It counts as before for so long at most when the lines are full no more. */
const MOST_MS = 5_000;

/**
 * For how long the lines together have been full, less the time in which they were not: who has found their rate lets go of them for
 * moments (BBR's drain every eight round trips, a cubic's cut), and still fills them.
 */
export class FullTime {
  ms = 0;
  #sampledMs = Number.NEGATIVE_INFINITY;

  /** Call every 100 ms or so while there is traffic. */
  sample(isFull: boolean, nowMs: number): void {
    const spanMs = nowMs - this.#sampledMs;
    this.#sampledMs = nowMs;
    const wasFull = isFull && spanMs <= MOST_SPAN_MS;
    this.ms = Math.max(0, Math.min(MOST_MS, this.ms + (wasFull ? spanMs : -spanMs)));
  }
}
