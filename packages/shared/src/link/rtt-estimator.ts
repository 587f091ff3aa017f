import { WindowedMin } from "./windowed-min.ts";

/** Long enough to meet an empty queue now and then, short enough to follow a route or a radio cell that changed. */
const EXTREMES_WINDOW_MS = 30_000;
/** A transfer that fills a buffer for minutes is not to pass for a long line. */
const BASE_WINDOW_MS = 300_000;

/**
 * Smoothed round-trip time of one path, its variation, and its extremes of the last 30 s.
 *
 * Source: RFC 6298 section 2, rules (2.2) and (2.3), alpha = 1/8, beta = 1/4.
 * Differs from it in one point: no lower bound of 1 s, because it guards probes, not retransmission.
 */
export class RttEstimator {
  /** All are NaN before the first sample. */
  smoothedMs = Number.NaN;
  variationMs = Number.NaN;
  lastMs = Number.NaN;
  readonly #min = new WindowedMin(EXTREMES_WINDOW_MS);
  readonly #base = new WindowedMin(BASE_WINDOW_MS);
  readonly #negatedMax = new WindowedMin(EXTREMES_WINDOW_MS);

  get minMs(): number {
    return this.#min.value;
  }

  get maxMs(): number {
    return -this.#negatedMax.value;
  }

  /** How far the RTT lies above the minimum of the last 5 minutes: the queues of both directions. NaN if unknown. */
  get queueMs(): number {
    return Math.max(this.smoothedMs, this.lastMs) - this.#base.value;
  }

  /** @param rttMs one measured round trip, > 0, without the time the peer held the probe. */
  addSample(rttMs: number, nowMs: number): void {
    this.#min.add(rttMs, nowMs);
    this.#base.add(rttMs, nowMs);
    this.lastMs = rttMs;
    this.#negatedMax.add(-rttMs, nowMs);
    if (Number.isNaN(this.smoothedMs)) {
      this.smoothedMs = rttMs; // (2.2)
      this.variationMs = rttMs / 2;
      return;
    }
    this.variationMs += (Math.abs(this.smoothedMs - rttMs) - this.variationMs) / 4; // (2.3)
    this.smoothedMs += (rttMs - this.smoothedMs) / 8;
  }
}
