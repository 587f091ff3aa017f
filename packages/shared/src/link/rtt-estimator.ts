import { WindowedMin } from "./windowed-min.ts";

/** Long enough to meet an empty queue now and then, short enough to follow a route or a radio cell that changed. */
const EXTREMES_WINDOW_MS = 30_000;

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
  readonly #min = new WindowedMin(EXTREMES_WINDOW_MS);
  readonly #negatedMax = new WindowedMin(EXTREMES_WINDOW_MS);

  get minMs(): number {
    return this.#min.value;
  }

  get maxMs(): number {
    return -this.#negatedMax.value;
  }

  /** How far the smoothed value lies above the minimum: queues of both directions, ours and others'. 0 when unknown. */
  get queueMs(): number {
    return Math.max(0, this.smoothedMs - this.#min.value) || 0;
  }

  /** @param rttMs one measured round trip, > 0, without the time the peer held the probe. */
  addSample(rttMs: number, nowMs: number): void {
    this.#min.add(rttMs, nowMs);
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
