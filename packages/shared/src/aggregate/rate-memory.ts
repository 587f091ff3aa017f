/** A rate that was not met for so long is believed less with every half-life, down to a quarter. */
const FRESH_MS = 1000;
const HALF_LIFE_MS = 2000;
const LEAST_BELIEVED = 0.25;
/** The least rate that the line has shown is remembered for about so long. */
const LEAST_MET_FADES_MS = 120_000;
/** The best rate of late fades with this. */
const USUAL_FADES_MS = 15_000;

/**
 * What a line has carried, and how much of it is still believed after a pause: radio cells change within seconds. But a line
 * that always had its rate is believed to have it still, since who starts carefully starts slowly.
 */
export class RateMemory {
  /** The best rate of late, bytes per ms. */
  usual = 0;
  /** The least rate of late, of a line that had enough to do; NaN before the start is over. */
  #leastMet = Number.NaN;
  /** When there was a queue to work on for the line, last. */
  #loadedMs = 0;

  /** The source has something again. @returns which part of the rate is believed, above 0. */
  onLoad(rate: number, nowMs: number): number {
    const staleMs = nowMs - this.#loadedMs - FRESH_MS;
    this.#loadedMs = nowMs;
    if (staleMs <= 0) return 1;
    const least = Math.max(LEAST_BELIEVED, this.#leastMet / rate);
    if (Number.isNaN(least)) return 1;
    return Math.min(1, Math.max(least, 2 ** (-staleMs / HALF_LIFE_MS)));
  }

  /** @param wasMet the line had enough to do, and nobody else was on it. */
  onReport(rate: number, wasMet: boolean, spanMs: number): void {
    if (wasMet) {
      const least = this.#leastMet + ((rate - this.#leastMet) * spanMs) / LEAST_MET_FADES_MS;
      this.#leastMet = Number.isNaN(least) ? rate : Math.min(least, rate);
    }
    this.usual = Math.max(rate, this.usual * (1 - spanMs / USUAL_FADES_MS));
  }

  /** The line is not what it was. */
  doubt(): void {
    this.#leastMet = 0;
  }
}
