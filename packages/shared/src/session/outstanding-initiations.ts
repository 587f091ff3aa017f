import type { NoiseHandshake } from "../crypto/index.ts";
import type { SessionIndexes } from "./session-indexes.ts";

/** Initiations whose answer is still welcome: with the waits between tries it covers a round trip of 10 s. */
const MAX_OUTSTANDING = 8;

/** An initiation that was sent and may still be answered. */
export interface Outstanding {
  readonly localIndex: number;
  readonly noise: NoiseHandshake;
  readonly mac1: Uint8Array;
  mayAnswerCookie: boolean;
  answersLeft: number;
}

/** The last initiations, by their indexes; those of the forgotten are free again. */
export class OutstandingInitiations {
  readonly #indexes: SessionIndexes;
  #initiations: Outstanding[] = [];

  constructor(indexes: SessionIndexes) {
    this.#indexes = indexes;
  }

  find(localIndex: number): Outstanding | undefined {
    return this.#initiations.find((each) => each.localIndex === localIndex);
  }

  /** The oldest goes when there are too many. */
  add(initiation: Outstanding): void {
    this.#initiations.push(initiation);
    if (this.#initiations.length <= MAX_OUTSTANDING) return;
    const oldest = this.#initiations.shift();
    if (oldest !== undefined) this.#indexes.release(oldest.localIndex);
  }

  /** Forgets all. @param answered its index stays in use. */
  clear(answered?: Outstanding): void {
    for (const each of this.#initiations) if (each !== answered) this.#indexes.release(each.localIndex);
    this.#initiations = [];
  }
}
