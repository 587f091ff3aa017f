import type { DeliverySeries } from "./delivery-series.ts";
import type { FeedbackSample } from "./path-controller.ts";

const PACKET_BYTES = 1500;
/** Over what time the delivery rate is taken, and how many packets. */
const LEAST_WINDOW_MS = 60;
const MOST_WINDOW_MS = 400;
const WINDOW_PACKETS = 25;
/** The same while the rate doubles. */
const STARTUP_WINDOW_MS = 10;
const MOST_STARTUP_WINDOW_MS = 150;
const STARTUP_PACKETS = 8;
const LEAST_SPAN_MS = 30;

/** What the reports say about a line: rate, queue, and whether it had enough to do. */
export class LineMeasure {
  /** Bytes per ms that arrived; NaN: too few to tell. */
  delivery = Number.NaN;
  /** Bytes per ms that were sent in the same window. */
  offered = Number.NaN;
  /** Delay beyond an empty line's: the least of the last reports, and that of the newest datagram. NaN before the second report. */
  queueMs = Number.NaN;
  newestQueueMs = Number.NaN;
  /** The line stood idle in the window for want of traffic. */
  isLimited = false;

  /** @param emptyMs one-way delay of the empty line. */
  take(
    series: DeliverySeries,
    sample: FeedbackSample,
    emptyMs: number,
    rate: number,
    pdvMs: number,
    isStartup: boolean,
  ): void {
    const windowMs = isStartup ? startupWindowMs(rate, pdvMs) : usualWindowMs(rate, pdvMs);
    this.queueMs = series.leastOwdMs(Math.max(LEAST_WINDOW_MS, windowMs / 2)) - emptyMs;
    this.newestQueueMs = sample.highestOwdMs - emptyMs;
    const back = series.back(windowMs);
    const spanMs = series.arrivalSpanMs(back);
    const bytes = series.receivedSince(back);
    const isEnough = spanMs >= Math.min(windowMs, LEAST_SPAN_MS) && bytes >= 2 * PACKET_BYTES;
    this.delivery = isEnough ? bytes / spanMs : Number.NaN;
    this.offered = series.sentSince(back) / Math.max(1, series.sentSpanMs(back));
    this.isLimited = sample.highestMark.idleSinceMs > series.sentMs(back);
  }
}

/** Longer for slow lines, and for lines whose delay varies: what varies by 15 ms bends a rate over 60 ms by a quarter. */
function usualWindowMs(rate: number, pdvMs: number): number {
  return Math.min(MOST_WINDOW_MS, Math.max(LEAST_WINDOW_MS, (WINDOW_PACKETS * PACKET_BYTES) / rate, 14 * (pdvMs - 2)));
}

function startupWindowMs(rate: number, pdvMs: number): number {
  const noiseMs = Math.min(MOST_STARTUP_WINDOW_MS, 6 * (pdvMs - 1));
  return Math.max(STARTUP_WINDOW_MS, (STARTUP_PACKETS * PACKET_BYTES) / rate, noiseMs);
}
