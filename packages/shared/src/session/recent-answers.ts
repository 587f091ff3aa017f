/** Copies come as far apart as the lines differ. */
const KEEP_MS = 2_000;
/** One initiation goes over every path of a session, at most (MAX_PATHS, without the first). */
const MAX_COPIES = 29;
const MAX_ANSWERS = 256;

interface Answer {
  readonly datagram: Uint8Array;
  readonly untilMs: number;
  copiesLeft: number;
}

/**
 * Answers of the last seconds, by the macs of what they answer: a copy of an initiation came another way, and the way
 * back of the first one may be cut. Bounded; costs one look-up and no multiplication.
 */
export class RecentAnswers {
  readonly #answers = new Map<string, Answer>();

  /** @param macs both macs of the initiation. */
  remember(macs: Uint8Array, datagram: Uint8Array, nowMs: number): void {
    for (const [key, { untilMs }] of this.#answers) {
      if (nowMs < untilMs && this.#answers.size < MAX_ANSWERS) break;
      this.#answers.delete(key);
    }
    this.#answers.set(keyOf(macs), { datagram, untilMs: nowMs + KEEP_MS, copiesLeft: MAX_COPIES });
  }

  /** @returns the answer to the initiation that this is a copy of, or null. */
  take(macs: Uint8Array, nowMs: number): Uint8Array | null {
    const answer = this.#answers.get(keyOf(macs));
    if (answer === undefined || nowMs >= answer.untilMs || answer.copiesLeft === 0) return null;
    answer.copiesLeft--;
    return answer.datagram;
  }
}

function keyOf(macs: Uint8Array): string {
  return Buffer.from(macs).toString("latin1");
}
