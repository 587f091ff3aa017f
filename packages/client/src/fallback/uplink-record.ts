/** Results that the share of lost checks is taken over. */
const REMEMBERED = 10;
/** Weight of a new RTT, as in RFC 6298. */
const GAIN = 1 / 8;
/** A lost check counts like so much RTT: a line that loses one in ten is as bad as one that is 100 ms slower. */
const LOSS_MS = 1_000;

/** What is known of an uplink by its checks: small questions to somebody on the internet. */
export class UplinkRecord {
  /** Of answers, smoothed; NaN before the first. */
  rttMs = Number.NaN;
  /** Checks without an answer in a row. */
  missedCount = 0;
  /** Since when every check has been answered; NaN when the last one was not. */
  answeringSinceMs = Number.NaN;
  readonly #results: boolean[] = [];

  /** @param rttMs null when nobody answered. */
  add(rttMs: number | null, nowMs: number): void {
    this.#results.push(rttMs !== null);
    if (this.#results.length > REMEMBERED) this.#results.shift();
    if (rttMs === null) {
      this.missedCount++;
      this.answeringSinceMs = Number.NaN;
      return;
    }
    this.missedCount = 0;
    if (Number.isNaN(this.answeringSinceMs)) this.answeringSinceMs = nowMs;
    this.rttMs = Number.isNaN(this.rttMs) ? rttMs : this.rttMs + (rttMs - this.rttMs) * GAIN;
  }

  /** Of the last checks, unanswered ones; NaN when there was none. */
  get lossRatio(): number {
    return this.#results.filter((answered) => !answered).length / this.#results.length;
  }

  /** At least one answer, and not too many misses since. @param deadCount misses in a row that mean that it is dead. */
  answers(deadCount: number): boolean {
    return !Number.isNaN(this.rttMs) && this.missedCount < deadCount;
  }

  /** The less, the better; Infinity when nothing is known. */
  get score(): number {
    return Number.isNaN(this.rttMs) ? Number.POSITIVE_INFINITY : this.rttMs + this.lossRatio * LOSS_MS;
  }
}
