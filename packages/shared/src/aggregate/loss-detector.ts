const FIRST_REORDER_MS = 1;
const MOST_REORDER_MS = 150;
/** So many arrivals may come later than the reordering window; it changes by this part with each that does, at least by so much. */
const TOO_LATE_SHARE = 0.004;
const REORDER_STEP = 0.06;
const LEAST_REORDER_STEP_MS = 1;
const LOSS_MEMORY = 1_000;
/** Part of the reordering window that is forgotten per second. */
const FORGETTING = 0.02;
/** Nothing is known of the path yet. */
const FIRST_LIMIT_MS = 500;
const LEAST_VARIATION_MS = 25;
/** A line that is full varies less than it does otherwise: its mean deviation of so many reports counts, too. */
const USUAL_REPORTS = 256;
/** The latest of thousands of datagrams, in mean deviations. */
const USUAL_FACTOR = 8;
/** By how much round trips of a steady line deviate: reports wait for each other, and for busy hosts. */
const HOST_VAR_MS = 3;
const LEAST_REPORT_DELAY_MS = 10;
const MOST_REPORT_DELAY_MS = 150;

/**
 * When a datagram of one path counts as lost.
 *
 * Source: RACK (RFC 8985): lost is what was sent long enough before something that arrived; round trips as in RFC 6298.
 * Differs from it in two points: the receiver's report says how long ago the newest arrived, so that time counts as if it
 * had been sent later; and the reordering window is learned from datagrams that came after all, not from DSACK rounds.
 */
export class LossDetector {
  /** Of the newest datagram of each report, without the time the report was held back; NaN before the first. */
  srttMs = Number.NaN;
  rttVarMs = Number.NaN;
  /** How much later than expected a datagram may come. */
  reorderMs = FIRST_REORDER_MS;
  /** What is lost may be made out of parity so much later; 0: there is none. */
  parityMs = 0;
  /** How long arrivals wait for their report: a slowly fading maximum. */
  reportDelayMs = LEAST_REPORT_DELAY_MS;
  /** Part of the datagrams that was lost, of the last few hundred. */
  lossRatio = 0;
  #decayedMs = Number.NaN;
  #usualVarMs = 0;

  /** @param rttMs of the newest datagram. @param oldestAgeMs since the sending of the oldest one acknowledged just now. */
  onReport(rttMs: number, oldestAgeMs: number, nowMs: number): void {
    const delayMs = Math.min(MOST_REPORT_DELAY_MS, oldestAgeMs - rttMs);
    this.reportDelayMs = Math.max(LEAST_REPORT_DELAY_MS, delayMs, this.reportDelayMs * 0.98);
    this.#decay(nowMs);
    if (Number.isNaN(this.srttMs)) {
      this.srttMs = rttMs;
      this.rttVarMs = rttMs / 2;
      return;
    }
    const deviationMs = Math.abs(this.srttMs - rttMs);
    this.rttVarMs += (deviationMs - this.rttVarMs) / 8;
    this.#usualVarMs += (deviationMs - this.#usualVarMs) / USUAL_REPORTS;
    this.srttMs += (rttMs - this.srttMs) / 8;
  }

  onLost(): void {
    this.lossRatio += (1 - this.lossRatio) / LOSS_MEMORY;
  }

  /**
   * Datagrams arrived: in time, or after they had been declared lost. Too hasty costs a copy, too slow holds up all that is
   * behind: so the window is where a small part of them come too late (stochastic approximation of a quantile).
   */
  onArrivals(inTime: number, tooLate: number): void {
    // What was declared lost and came adds nothing in the end.
    this.lossRatio = Math.max(0, this.lossRatio * (1 - Math.min(1, inTime / LOSS_MEMORY)) - tooLate / LOSS_MEMORY);
    const step = this.reorderMs * REORDER_STEP;
    const grown = this.reorderMs + tooLate * Math.max(step, LEAST_REORDER_STEP_MS) - inTime * TOO_LATE_SHARE * step;
    this.reorderMs = Math.min(MOST_REORDER_MS, Math.max(FIRST_REORDER_MS, grown));
  }

  /**
   * What was sent before this and has not arrived is lost.
   * @param newestSentMs of the newest datagram that arrived, heldMs before the report was written.
   */
  lostBeforeMs(newestSentMs: number, heldMs: number): number {
    return newestSentMs + heldMs - this.reorderMs;
  }

  /** What something sent later has overtaken is lost after this, whether or not another report comes. */
  get overtakenLimitMs(): number {
    if (Number.isNaN(this.srttMs)) return FIRST_LIMIT_MS;
    return this.srttMs + 2 * this.rttVarMs + this.reorderMs + this.parityMs + this.reportDelayMs;
  }

  /** A path with something under way for longer than this, and no progress, is silent. */
  get silenceLimitMs(): number {
    if (Number.isNaN(this.srttMs)) return FIRST_LIMIT_MS;
    return this.srttMs + this.variationMs + this.reportDelayMs + LEAST_REPORT_DELAY_MS;
  }

  /** What a path that is well may be late by. */
  get variationMs(): number {
    return Math.max(
      4 * this.rttVarMs,
      USUAL_FACTOR * (this.#usualVarMs - HOST_VAR_MS),
      LEAST_VARIATION_MS,
      this.reorderMs,
    );
  }

  #decay(nowMs: number): void {
    const spanMs = nowMs - this.#decayedMs;
    this.#decayedMs = nowMs;
    if (spanMs > 0) this.reorderMs = Math.max(FIRST_REORDER_MS, this.reorderMs * (1 - (FORGETTING * spanMs) / 1000));
  }
}
