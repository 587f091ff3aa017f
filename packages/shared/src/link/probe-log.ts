const PROBES = 64;

/**
 * The probes of one path that are on their way: when each was sent, and since when none was answered.
 *
 * An answer also settles every earlier probe: one that was lost is the loss meter's business and not a sign of silence.
 */
export class ProbeLog {
  /** Send time of the oldest probe after the newest answered one: its age is a lower bound of the RTT. Infinity if none. */
  unansweredSinceMs = Number.POSITIVE_INFINITY;
  /** Send time of the newest probe. */
  sentMs = Number.NEGATIVE_INFINITY;
  /** Share of the latest probes, about sixteen, that were passed over by an answer to a newer one. */
  missedRatio = 0;
  readonly #sentAtMs = new Float64Array(PROBES);
  #nextId = 0;
  #firstUnansweredId = 0;

  get unansweredCount(): number {
    return this.#nextId - this.#firstUnansweredId;
  }

  /** @returns the id of the probe that is being sent. */
  onSent(nowMs: number): number {
    if (this.unansweredCount === 0) this.unansweredSinceMs = nowMs;
    this.#sentAtMs[this.#nextId % PROBES] = nowMs;
    this.sentMs = nowMs;
    return this.#nextId++;
  }

  /** @returns how long ago the probe was sent; NaN when it is unknown, too old, or a newer one was answered before. */
  onReply(id: number, nowMs: number): number {
    if (!(id >= this.#firstUnansweredId && id < this.#nextId && id >= this.#nextId - PROBES)) return Number.NaN;
    const sentAtMs = this.#sentAtMs[id % PROBES] ?? Number.NaN;
    for (let i = this.#firstUnansweredId; i < id; i++) this.missedRatio += (1 - this.missedRatio) / 16;
    this.missedRatio -= this.missedRatio / 16;
    this.#firstUnansweredId = id + 1;
    const nextAtMs = this.#sentAtMs[(id + 1) % PROBES] ?? 0;
    this.unansweredSinceMs = id + 1 < this.#nextId ? nextAtMs : Number.POSITIVE_INFINITY;
    return nowMs - sentAtMs;
  }
}
