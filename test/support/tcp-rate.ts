import type { SentSegment } from "./tcp-scoreboard.ts";
import type { AckSample } from "./tcp-types.ts";

/**
 * Samples of the delivery rate: what was delivered between the sending of a segment and its acknowledgement.
 *
 * Source: draft-cheng-iccrg-delivery-rate-estimation, net/ipv4/tcp_rate.c.
 */
export class DeliveryRate {
  delivered = 0;
  #deliveredMs = 0;
  /** When what was delivered last had been sent. */
  #firstSentMs = 0;
  #appLimitedUntil = 0;

  /** Nothing is under way: idle time is no part of an interval. */
  onStart(nowMs: number): void {
    this.#firstSentMs = nowMs;
    this.#deliveredMs = nowMs;
  }

  /** The window is not used up: what follows says nothing of the line. */
  onAppLimited(inflight: number): void {
    this.#appLimitedUntil = this.delivered + inflight;
  }

  stamp(sent: SentSegment): void {
    sent.delivered = this.delivered;
    sent.deliveredMs = this.#deliveredMs;
    sent.firstSentMs = this.#firstSentMs;
    sent.isAppLimited = this.delivered < this.#appLimitedUntil;
  }

  /** @param newest of the segments that were delivered now, the one sent last. */
  measure(newest: SentSegment, sample: AckSample, minRttMs: number): void {
    this.delivered += sample.delivered;
    this.#deliveredMs = sample.nowMs;
    this.#firstSentMs = newest.sentMs;
    sample.priorDelivered = newest.delivered;
    sample.isAppLimited = newest.isAppLimited;
    const intervalMs = Math.max(newest.sentMs - newest.firstSentMs, sample.nowMs - newest.deliveredMs);
    if (intervalMs <= 0 || intervalMs < minRttMs) return;
    sample.rateDelivered = this.delivered - newest.delivered;
    sample.rateIntervalMs = intervalMs;
  }
}
