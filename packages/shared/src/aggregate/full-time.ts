const SAMPLED_EVERY_MS = 100;
/** It counts as before for so long at most when the lines are full no more. */
const MOST_MS = 5_000;

/**
 * For how long the lines together have been full, less the time in which they were not: who has found their rate lets go of them for
 * moments (BBR's drain every eight round trips, a cubic's cut), and still fills them.
 */
export class FullTime {
  static readonly everyMs = SAMPLED_EVERY_MS;
  ms = 0;

  /** Call every `everyMs`. */
  sample(isFull: boolean): void {
    const ms = this.ms + (isFull ? SAMPLED_EVERY_MS : -SAMPLED_EVERY_MS);
    this.ms = Math.max(0, Math.min(MOST_MS, ms));
  }
}
