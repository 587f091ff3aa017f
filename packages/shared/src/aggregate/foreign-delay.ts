import type { LineMeasure } from "./line-measure.ts";

/** A delay beyond this, on a line that held next to nothing of ours, is not our queue. */
const SUDDEN_MS = 50;
const FLIGHT_FACTOR = 3;
/** A queue above this that outlives our pauses is not ours either. */
const STANDING_TARGETS = 2.5;
const LEAST_PATIENCE_MS = 300;
/** A queue above this in the mean is not what we keep there, however it moves. One sample counts for so much at most. */
const MEAN_TARGETS = 1.75;
const MOST_TARGETS = 3;
/** The mean is taken over this and so many loops: what a fall of the rate or the start put into the line drains before. */
const MEAN_MS = 2500;
const MEAN_LOOPS = 6;
const MOST_SPAN_MS = 100;
const PAUSE_MS = 60;
const DOUBT_INTERVAL_MS = 400;
const INTERVAL_MS = 2000;
/** The next pause when one found nothing of a neighbour. */
const SOON_MS = 1000;
/** So many pauses in doubt, then the verdict. */
const DOUBT_PAUSES = 3;
/** In competition a delay that stays the same for so many pauses is the line's. */
const STEADY_PAUSES = 5;
/** What rises by so much from one report to the next may be a longer route, a neighbour's queue grows. */
const STEP_MS = 20;
const SAME_MS = 2;
/** When we pause alone, the queue drains by the pause: at least by this part of it. */
const ALONE_FALL = 0.75;
/** So often in a row, or nothing left: a neighbour's backing off looks the same once. */
const ALONE_FALLS = 2;
const EMPTY_MS = 12;

/**
 * Is a standing delay our queue, the line's, or a neighbour's?
 *
 * In the manner of Copa's mode switch (Arun and Balakrishnan, NSDI 2018, section 5): a queue that does not drain when we
 * pause is kept up by somebody else. While in doubt we take half of what we had, and pause a few times. Drains: it was
 * ours. Stays exactly the same: the route is longer now, or the radio hangs. Moves: somebody competes for the line. The
 * top of a CUBIC's curve is flat for seconds: only what came at a stroke is taken for a route so soon.
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
  /** Queue beyond what the noise explains, smoothed. */
  #meanMs = 0;
  /** Of the report before. */
  #reportMs = 0;
  #formerMs = 0;
  /** The queue that stands came at a stroke. */
  #isStep = false;

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
    if (this.#isOpen && sentMs >= this.pauseUntilMs) this.#conclude(newestMs, noiseMs, nowMs);
    if (this.state === "none") this.#watch(queueMs, flightMs, loopMs, noiseMs, targetMs, nowMs);
    else if (nowMs >= this.#nextMs && !this.#isOpen && this.verdict === "none")
      this.#pause(ownQueueMs, newestMs, loopMs, nowMs);
  }

  end(): void {
    this.state = "none";
    this.#isOpen = false;
    this.#standingSinceMs = Number.NaN;
    this.#meanMs = 0;
  }

  #watch(queueMs: number, flightMs: number, loopMs: number, noiseMs: number, targetMs: number, nowMs: number): void {
    if (queueMs > SUDDEN_MS + 3 * noiseMs + FLIGHT_FACTOR * flightMs) {
      this.#isStep = true;
      this.#doubt(nowMs);
      return;
    }
    const riseMs = queueMs - this.#formerMs;
    this.#formerMs = queueMs;
    if (this.#isLongInTheMean(queueMs - 2 * noiseMs, loopMs, targetMs, nowMs)) {
      this.#doubt(nowMs);
      return;
    }
    if (queueMs < STANDING_TARGETS * targetMs + 2 * noiseMs) {
      this.#standingSinceMs = Number.NaN;
      this.#isStep = false;
      return;
    }
    if (Number.isNaN(this.#standingSinceMs)) {
      this.#standingSinceMs = nowMs;
      this.#mostMs = 0;
      this.#isStep = riseMs > STEP_MS;
    }
    this.#mostMs = Math.max(this.#mostMs, queueMs);
    const patienceMs = LEAST_PATIENCE_MS + 6 * loopMs + 2 * this.#mostMs;
    if (nowMs - this.#standingSinceMs > patienceMs) this.#doubt(nowMs);
  }

  /** @param targetMs Infinity: what stands there may be of the start. */
  #isLongInTheMean(queueMs: number, loopMs: number, targetMs: number, nowMs: number): boolean {
    const spanMs = Math.min(MOST_SPAN_MS, nowMs - this.#reportMs);
    this.#reportMs = nowMs;
    if (targetMs === Number.POSITIVE_INFINITY) return false;
    const gain = 1 - Math.exp(-spanMs / (MEAN_MS + MEAN_LOOPS * loopMs));
    this.#meanMs += gain * (Math.min(queueMs, MOST_TARGETS * targetMs) - this.#meanMs);
    return this.#meanMs > MEAN_TARGETS * targetMs;
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

  #conclude(leftMs: number, noiseMs: number, nowMs: number): void {
    this.#isOpen = false;
    this.leftMs = leftMs;
    const pausedMs = this.pauseUntilMs - this.#pauseFromMs;
    const fall = (this.#beforeMs - leftMs) / Math.min(pausedMs, this.#beforeMs);
    this.#falls = fall > ALONE_FALL || leftMs < EMPTY_MS + noiseMs ? this.#falls + 1 : 0;
    if (this.#falls >= ALONE_FALLS) {
      this.verdict = "alone";
      return;
    }
    if (this.#falls > 0) this.#nextMs = nowMs + SOON_MS;
    this.#leastLeftMs = this.#pauses === 0 ? leftMs : Math.min(this.#leastLeftMs, leftMs);
    this.#mostLeftMs = this.#pauses === 0 ? leftMs : Math.max(this.#mostLeftMs, leftMs);
    this.#pauses++;
    if (this.#pauses < (this.state === "doubt" ? DOUBT_PAUSES : STEADY_PAUSES)) return;
    this.#pauses = 0;
    const isSame = this.#mostLeftMs - this.#leastLeftMs < SAME_MS + noiseMs;
    if (isSame && (this.#isStep || this.state === "competing")) this.verdict = "longer";
    else this.state = "competing";
  }
}
