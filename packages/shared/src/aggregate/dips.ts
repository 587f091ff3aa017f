const INTERVAL_MS = 4000;
const LEAST_MS = 4;
const MOST_MS = 60;
/** A dip that saw the least delay fall by more is followed by a longer one soon. */
const FALL_MS = 1;
const SOON_MS = 300;
/** A least delay that rises by more: an empty line of a neighbour's is none, and a long dip tells. */
const RISE_MS = 2;

/**
 * Moments in which the gate stays shut until the line's queue has drained, so that the delay of the empty line is seen;
 * without them it would drift up with every error (the latecomer's problem of RFC 6817).
 *
 * All paths of a host dip at the same moments: some may share a line, and none must see the others' queue.
 */
export class Dips {
  /** The gate is shut until then. */
  untilMs = 0;
  /** What is seen until then is the dip. */
  seenUntilMs = 0;
  #nextMs = 0;
  #lengthMs = LEAST_MS;
  #fellMs = 0;

  /** Time by which the dip should outlast the queue. */
  get lengthMs(): number {
    return this.#lengthMs;
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#nextMs;
  }

  /** @param drainMs until the queue has drained. @param emptyMs how much longer. @param loopMs until feedback tells. */
  begin(drainMs: number, emptyMs: number, loopMs: number, nowMs: number): void {
    this.untilMs = nowMs + drainMs + emptyMs;
    this.seenUntilMs = this.untilMs + loopMs;
    this.#lengthMs = LEAST_MS;
    this.#fellMs = 0;
    this.#nextMs = (Math.floor(nowMs / INTERVAL_MS) + 1) * INTERVAL_MS;
  }

  /**
   * What was taken for an empty line takes longer than before: where we are most of what a queue is made of, beside a
   * neighbour who keeps it up, only a dip much longer than our target shows it. None need be longer than a queue that
   * could hide in the round trip.
   */
  onRise(byMs: number, noiseMs: number, rttMinMs: number): void {
    if (byMs > RISE_MS + 2 * noiseMs) this.#lengthMs = Math.max(this.#lengthMs, Math.min(MOST_MS, rttMinMs / 3));
  }

  /** The least delay fell: if that was seen in a dip, there may be more below. */
  onFall(byMs: number, noiseMs: number, nowMs: number): void {
    if (nowMs > this.seenUntilMs) return;
    this.#fellMs += byMs;
    if (this.#fellMs < FALL_MS + 2 * noiseMs) return;
    this.#lengthMs = Math.max(this.#lengthMs, Math.min(MOST_MS, 4 * Math.max(LEAST_MS, this.#fellMs)));
    this.#nextMs = Math.min(this.#nextMs, this.seenUntilMs + SOON_MS);
  }
}
