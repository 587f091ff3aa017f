const FIRST_SHARE = 0.25;
/** From the first share to the whole. */
const LOADED_RISE_MS = 2000;
/** An idle member proves little, but a stand-by is not to stay at a quarter for ever. */
const IDLE_RISE_MS = 10_000;
/** Longest time credited at once, so that a sleeping timer proves nothing. */
const LONGEST_STEP_MS = 1000;

/** Part of its normal load that a readmitted member gets: an empty line measures beautifully, so it rises by proof. */
export class ShareRamp {
  share = 1;
  #advancedMs = Number.NaN;

  start(whole: boolean, nowMs: number): void {
    this.share = whole ? 1 : FIRST_SHARE;
    this.#advancedMs = nowMs;
  }

  /** @param good whether the member would be readmitted with what it shows now; otherwise the share stands. */
  advance(good: boolean, loaded: boolean, nowMs: number): void {
    const stepMs = Math.min(LONGEST_STEP_MS, nowMs - this.#advancedMs);
    this.#advancedMs = nowMs;
    if (!good || this.share >= 1) return;
    const riseMs = loaded ? LOADED_RISE_MS : IDLE_RISE_MS;
    this.share = Math.min(1, this.share + ((1 - FIRST_SHARE) * stepMs) / riseMs);
  }
}
