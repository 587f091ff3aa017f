import { WindowedMin } from "./windowed-min.ts";

/** Send times count in units of 4 us (docs/wire-format.md). */
const UNITS_PER_MS = 250;
/** At a drift of 100 ppm between the hosts' clocks the minimum is at most 3 ms old-fashioned. */
const BASE_WINDOW_MS = 30_000;
/** Two frames further apart than this say nothing about delay variation, only about clocks. */
const LONGEST_GAP_MS = 10_000;

/**
 * One-way delay of the receiving direction, relative to its own minimum, and its variation.
 *
 * The clocks of the two hosts need not agree: arrival minus send time is off by a constant, which the minimum takes
 * away (RFC 5481 section 4.2). The variation is that of consecutive frames (RFC 3393), the mean of its absolute value
 * smoothed with a gain of 1/16 (as RFC 3550 section 6.4.1 does). Transit times are summed from differences modulo 2^24,
 * so that neither the wrap after 67 s nor years of drift matter.
 */
export class PdvEstimator {
  /** NaN before the second frame. */
  pdvMs = Number.NaN;
  /** Smoothed relative delay: what queues add. NaN before the first frame. */
  owdQueueMs = Number.NaN;
  readonly #base = new WindowedMin(BASE_WINDOW_MS);
  #transit = 0;
  #unwrapped = 0;
  #addedMs = Number.NaN;

  /** @param sendTime24 the send time of an authentic data datagram, an integer below 2^24. */
  add(sendTime24: number, nowMs: number): void {
    // The shifts keep 24 bits and their sign: the difference of two transits as a number in [-33.5 s, 33.5 s).
    const transit = ((nowMs * UNITS_PER_MS) | 0) - sendTime24;
    const step = Number.isNaN(this.#addedMs) ? 0 : ((transit - this.#transit) << 8) >> 8;
    this.#transit = transit;
    this.#unwrapped += step;
    this.#base.add(this.#unwrapped, nowMs);
    this.#smooth(Math.abs(step) / UNITS_PER_MS, (this.#unwrapped - this.#base.value) / UNITS_PER_MS, nowMs);
  }

  #smooth(variationMs: number, queueMs: number, nowMs: number): void {
    if (Number.isNaN(this.#addedMs)) this.owdQueueMs = queueMs;
    else this.owdQueueMs += (queueMs - this.owdQueueMs) / 16;
    if (nowMs - this.#addedMs <= LONGEST_GAP_MS) {
      if (Number.isNaN(this.pdvMs)) this.pdvMs = variationMs;
      else this.pdvMs += (variationMs - this.pdvMs) / 16;
    }
    this.#addedMs = nowMs;
  }
}
