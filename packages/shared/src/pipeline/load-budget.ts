/** Bytes of trains that a peer may ask for at once, and in the long run. */
const BURST_BYTES = 256 * 1024 * 1024;
const BYTES_PER_MS = BURST_BYTES / 60_000;
/** Trains to one peer at the same time: one to each of its lines, as the doctor measures one after another. */
const MAX_TRAINS = 4;

/** How much measuring traffic one peer may ask for: a session must not be a way to make us send without end. */
export class LoadBudget {
  #bytes = BURST_BYTES;
  #atMs = 0;

  /** @returns false when it has asked for too much lately. */
  take(bytes: number, runningTrains: number, nowMs: number): boolean {
    this.#bytes = Math.min(BURST_BYTES, this.#bytes + (nowMs - this.#atMs) * BYTES_PER_MS);
    this.#atMs = nowMs;
    if (runningTrains >= MAX_TRAINS || bytes > this.#bytes) return false;
    this.#bytes -= bytes;
    return true;
  }
}
