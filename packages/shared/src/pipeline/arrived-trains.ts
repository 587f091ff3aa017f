/** Trains that are remembered, newest first to be forgotten last. */
const MAX_TRAINS = 64;

/** What arrived of one train. */
export interface ArrivedTrain {
  received: number;
  /** As IP packets. */
  bytes: number;
  firstMs: number;
  lastMs: number;
}

const NOTHING: Readonly<ArrivedTrain> = { received: 0, bytes: 0, firstMs: 0, lastMs: 0 };

/** Counts the datagrams of the trains that one peer sends us. */
export class ArrivedTrains {
  readonly #trains = new Map<number, ArrivedTrain>();

  onArrival(train: number, bytes: number, nowMs: number): void {
    const known = this.#trains.get(train);
    if (known !== undefined) {
      known.received++;
      known.bytes += bytes;
      known.lastMs = nowMs;
      return;
    }
    if (this.#trains.size >= MAX_TRAINS) this.#forgetOldest();
    this.#trains.set(train, { received: 1, bytes, firstMs: nowMs, lastMs: nowMs });
  }

  of(train: number): Readonly<ArrivedTrain> {
    return this.#trains.get(train) ?? NOTHING;
  }

  #forgetOldest(): void {
    const oldest = this.#trains.keys().next();
    if (oldest.done !== true) this.#trains.delete(oldest.value);
  }
}
