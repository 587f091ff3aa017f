/** More than a client with thirty paths asks for when it starts, and more than any needs afterwards. */
const BURST = 64;
const PER_SECOND = 16;

/** What one peer may ask of the main thread: attach, configuration, close. Each wish costs it an event and some JSON. */
export class RequestBudget {
  #tokens = BURST;
  #atMs = 0;

  /** @returns false when the peer has asked for too much lately. */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(BURST, this.#tokens + ((nowMs - this.#atMs) * PER_SECOND) / 1000);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
