import type { LineMeasure } from "./line-measure.ts";

/** A delay beyond this, on a line that held next to nothing of ours, is not our queue. */
const SUDDEN_MS = 50;
const FLIGHT_FACTOR = 3;
/** A queue above this that outlives our pauses is not ours either. */
const STANDING_TARGETS = 2.5;
const LEAST_PATIENCE_MS = 300;
const PAUSE_MS = 60;
const DOUBT_INTERVAL_MS = 400;
const INTERVAL_MS = 2000;
/** So many pauses in doubt, then the verdict. */
const DOUBT_PAUSES = 3;
/** In competition a delay that stays the same for so many pauses is the line's. */
const STEADY_PAUSES = 5;
const SAME_MS = 2;
/** When we pause alone, the queue drains by the pause: at least by this part of it. */
const ALONE_FALL = 0.75;
/** So often in a row: a neighbour's backing off looks the same once. */
const ALONE_FALLS = 2;
const EMPTY_MS = 12;

/**
 * Is a standing delay our queue, the line's, or a neighbour's?
 *
 * In the manner of Copa's mode switch (Arun and Balakrishnan, NSDI 2018, section 5): a queue that does not drain when we
 * pause is kept up by somebody else. While in doubt we take half of what we had, and pause a few times. Drains: it was
 * ours. Stays exactly the same: the route is longer now, or the radio hangs. Moves: somebody competes for the line.
 */
export class ForeignDelay {
  state: "none" | "doubt" | "competing" = "none";
  /** The gate is shut until then. */
  pauseUntilMs = Number.NEGATIVE_INFINITY;
  /** What the last report decided: the queue is ours; this much delay is the line's. */
  verdict: "none" | "alone" | "longer" = "none";
  /** The delay left after the last pause. */
  leftMs = 0;
  #pauseFromMs = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  #beforeMs = 0;
  #nextMs = 0;
  #standingSinceMs = Number.NaN;
  #mostMs = 0;
  #pauses = 0;
  #falls = 0;
  #leastLeftMs = 0;
  #mostLeftMs = 0;

  /**
   * @param sentMs when the newest datagram was sent.
   * @param flightMs time that the line would take, at our rate, for what was under way then.
   */
  onReport(
    line: LineMeasure,
    sentMs: number,
    flightMs: number,
    loopMs: number,
    ownQueueMs: number,
    noiseMs: number,
    targetMs: number,
    nowMs: number,
  ): void {
    const { queueMs, newestQueueMs: newestMs } = line;
    this.verdict = "none";
    if (sentMs < this.#pauseFromMs) this.#beforeMs = newestMs;
    if (this.#isOpen && sentMs >= this.pauseUntilMs) this.#conclude(newestMs, noiseMs);
    if (this.state === "none") this.#watch(queueMs, flightMs, loopMs, noiseMs, targetMs, nowMs);
    else if (nowMs >= this.#nextMs && !this.#isOpen && this.verdict === "none")
      this.#pause(ownQueueMs, newestMs, loopMs, nowMs);
  }

  end(): void {
    this.state = "none";
    this.#isOpen = false;
    this.#standingSinceMs = Number.NaN;
  }

  #watch(queueMs: number, flightMs: number, loopMs: number, noiseMs: number, targetMs: number, nowMs: number): void {
    if (queueMs > SUDDEN_MS + 3 * noiseMs + FLIGHT_FACTOR * flightMs) {
      this.#doubt(nowMs);
      return;
    }
    if (queueMs < STANDING_TARGETS * targetMs + 2 * noiseMs) {
      this.#standingSinceMs = Number.NaN;
      return;
    }
    if (Number.isNaN(this.#standingSinceMs)) {
      this.#standingSinceMs = nowMs;
      this.#mostMs = 0;
    }
    this.#mostMs = Math.max(this.#mostMs, queueMs);
    const patienceMs = LEAST_PATIENCE_MS + 6 * loopMs + 2 * this.#mostMs;
    if (nowMs - this.#standingSinceMs > patienceMs) this.#doubt(nowMs);
  }

  #doubt(nowMs: number): void {
    this.state = "doubt";
    this.#pauses = 0;
    this.#falls = 0;
    this.#nextMs = nowMs + DOUBT_INTERVAL_MS;
  }

  #pause(ownQueueMs: number, newestMs: number, loopMs: number, nowMs: number): void {
    this.#isOpen = true;
    this.#beforeMs = newestMs;
    this.#pauseFromMs = nowMs;
    this.pauseUntilMs = nowMs + Math.min(ownQueueMs, PAUSE_MS) + PAUSE_MS;
    this.#nextMs = this.pauseUntilMs + loopMs + (this.state === "doubt" ? DOUBT_INTERVAL_MS : INTERVAL_MS);
  }

  #conclude(leftMs: number, noiseMs: number): void {
    this.#isOpen = false;
    this.leftMs = leftMs;
    const pausedMs = this.pauseUntilMs - this.#pauseFromMs;
    const fall = (this.#beforeMs - leftMs) / Math.min(pausedMs, this.#beforeMs);
    this.#falls = fall > ALONE_FALL ? this.#falls + 1 : 0;
    if (leftMs < EMPTY_MS + noiseMs || this.#falls >= ALONE_FALLS) {
      this.verdict = "alone";
      return;
    }
    this.#leastLeftMs = this.#pauses === 0 ? leftMs : Math.min(this.#leastLeftMs, leftMs);
    this.#mostLeftMs = this.#pauses === 0 ? leftMs : Math.max(this.#mostLeftMs, leftMs);
    this.#pauses++;
    if (this.#pauses < (this.state === "doubt" ? DOUBT_PAUSES : STEADY_PAUSES)) return;
    this.#pauses = 0;
    if (this.#mostLeftMs - this.#leastLeftMs < SAME_MS + noiseMs) this.verdict = "longer";
    else this.state = "competing";
  }
}
