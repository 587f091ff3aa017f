import type {
  ControllerFigures,
  ControllerPhase,
  FeedbackSample,
  PathController,
  SentMark,
} from "../../packages/shared/src/aggregate/path-controller.ts";
import { WindowedLeast } from "../../packages/shared/src/aggregate/windowed-least.ts";

const PACKET_BYTES = 1500;
const TARGET_MS = 12;
const FEEDBACK_MS = 10;

/**
 * The other candidate: Copa, a window that aims at a rate of 1 / (delta x queueing delay).
 *
 * Source: Arun and Balakrishnan, "Copa: Practical Delay-Based Congestion Control for the Internet", NSDI 2018, sections
 * 2 to 2.2 and 5, with the mode switch. Differs from it: one-way delay instead of RTT for the queue; one update per
 * report instead of per acknowledgement; delta is such that the queue aimed at is 12 ms (its own 0.5 aims at two packets,
 * which feedback every 10 ms cannot hold: 66 % use of a clean line), and the mode switch waits for 2.5 times that; no more
 * than twice what was delivered is under way.
 */
export class CopaController implements PathController {
  rateBytesPerMs = 125;
  inflightBytes = 0;
  latenessMs = 0;
  pdvMs = 0;
  #isSlowStart = true;
  #windowPackets = 10;
  /** Packets that it wants to have in the queue: Copa's 1 / delta. */
  #inverseDelta = 2;
  #isCompeting = false;
  #velocity = 1;
  #direction = 1;
  #directionMs = 0;
  #turnPackets = 10;
  #turnMs = 0;
  #turnAcked = 0;
  #mostPackets = 20;
  #standingMs: number[] = [];
  #standingAtMs: number[] = [];
  #queueMs = 0;
  #hasLoss = false;
  #emptyMs = 0;
  #reducedMs = 0;
  #acked = 0;
  #sentBytes = 0;
  #freeMs = 0;
  #srttMs = 100;
  #limit = Number.POSITIVE_INFINITY;
  readonly #base = new WindowedLeast(10_000);
  readonly #rtt = new WindowedLeast(10_000);

  get phase(): ControllerPhase {
    if (this.#isCompeting) return "competing";
    return this.#isSlowStart ? "startup" : "steady";
  }

  get baseOwdMs(): number {
    return this.#base.value;
  }

  get rttMinMs(): number {
    return this.#rtt.value;
  }

  setTypedLimit(kbps: number | null): void {
    this.#limit = kbps === null ? Number.POSITIVE_INFINITY : kbps / 8;
  }

  setSharing(): void {
    // Copa's flows share a line as they are.
  }

  onSent(bytes: number, nowMs: number, mark: SentMark): void {
    this.#freeMs = Math.max(this.#freeMs, nowMs - 1) + bytes / this.#pace();
    this.inflightBytes += bytes;
    this.#sentBytes += bytes;
    mark.sentBytes = this.#sentBytes;
  }

  onCameLate(): void {}

  onGone(bytes: number, wasLost: boolean): void {
    this.inflightBytes -= bytes;
    if (wasLost) this.#hasLoss = true;
    else this.#acked += bytes / PACKET_BYTES;
  }

  onFeedback(sample: FeedbackSample, nowMs: number): void {
    this.#srttMs += (sample.rttMs - this.#srttMs) / 8;
    this.#base.add(Math.min(sample.highestOwdMs, sample.fastestOwdMs), nowMs);
    this.#rtt.add(sample.rttMs, nowMs);
    this.#queueMs = this.#standing(sample.highestOwdMs, nowMs) - this.#base.value;
    this.#switchMode(nowMs);
    this.#update(nowMs);
    this.#acked = 0;
    this.#hasLoss = false;
  }

  isOpen(nowMs: number): boolean {
    return this.inflightBytes < this.#windowPackets * PACKET_BYTES && this.#freeMs <= nowMs;
  }

  isOpenForUrgent(nowMs: number): boolean {
    return this.isOpen(nowMs);
  }

  nextOpenMs(): number {
    return this.inflightBytes < this.#windowPackets * PACKET_BYTES ? this.#freeMs : Number.POSITIVE_INFINITY;
  }

  queueMs(): number {
    return Math.max(0, this.#queueMs);
  }

  arrivalMs(bytes: number): number {
    return this.queueMs() + bytes / this.rateBytesPerMs + this.#base.value;
  }

  driftingArrivalMs(bytes: number): number {
    return this.arrivalMs(bytes);
  }

  explain(): ControllerFigures {
    return {
      rateKbps: this.rateBytesPerMs * 8,
      deliveryKbps: null,
      inflightBytes: this.inflightBytes,
      windowBytes: this.#windowPackets * PACKET_BYTES,
      queueMs: this.#queueMs,
      lineQueueMs: this.#queueMs,
      baseOwdMs: this.#base.value,
      rttMinMs: this.#rtt.value,
      pdvMs: 0,
      marginMs: 0,
      latenessMs: 0,
      plrRatio: 0,
      gain: this.#velocity,
      phase: this.phase,
    };
  }

  /** Least delay of the last half round trip. */
  #standing(owdMs: number, nowMs: number): number {
    this.#standingMs.push(owdMs);
    this.#standingAtMs.push(nowMs);
    while ((this.#standingAtMs[0] ?? nowMs) < nowMs - this.#srttMs / 2) {
      this.#standingAtMs.shift();
      this.#standingMs.shift();
    }
    return Math.min(...this.#standingMs);
  }

  #loopMs(): number {
    return Math.min(this.#rtt.value, this.#srttMs) + FEEDBACK_MS + Math.max(0, this.#queueMs);
  }

  #pace(): number {
    return Math.min(this.#limit, (2 * this.#windowPackets * PACKET_BYTES) / this.#loopMs());
  }

  #switchMode(nowMs: number): void {
    if (this.#queueMs < 2.5 * TARGET_MS) this.#emptyMs = nowMs;
    this.#isCompeting = !this.#isSlowStart && nowMs - this.#emptyMs > 5 * this.#loopMs();
    if (!this.#isCompeting) {
      this.#inverseDelta = Math.max(2, (TARGET_MS * this.#windowPackets) / this.#loopMs());
      return;
    }
    if (nowMs - this.#reducedMs < this.#loopMs()) return;
    this.#reducedMs = nowMs;
    this.#inverseDelta = Math.max(2, this.#hasLoss ? this.#inverseDelta / 2 : this.#inverseDelta + 1);
  }

  #update(nowMs: number): void {
    this.#turn(nowMs);
    const target = this.#queueMs <= 0.1 ? Number.POSITIVE_INFINITY : this.#inverseDelta / this.#queueMs;
    const rate = this.#windowPackets / this.#loopMs();
    this.rateBytesPerMs = rate * PACKET_BYTES;
    const isLimited = this.inflightBytes < 0.5 * this.#windowPackets * PACKET_BYTES;
    if (this.#isSlowStart) {
      if (rate > target) this.#isSlowStart = false;
      else if (!isLimited) this.#windowPackets = Math.min(this.#windowPackets + this.#acked, this.#mostPackets);
      return;
    }
    const direction = rate <= target ? 1 : -1;
    if (direction > 0 && isLimited) return;
    if (direction !== this.#direction) this.#velocity = 1;
    const step = (this.#velocity * this.#acked * this.#inverseDelta) / this.#windowPackets;
    this.#windowPackets = Math.max(4, Math.min(this.#windowPackets + direction * step, this.#mostPackets));
    if (direction !== this.#direction) {
      this.#direction = direction;
      this.#directionMs = nowMs;
    }
  }

  /** Once per round trip: the velocity doubles if the window has moved the same way for three of them. */
  #turn(nowMs: number): void {
    this.#turnAcked += this.#acked;
    if (nowMs - this.#turnMs < this.#loopMs()) return;
    this.#turnMs = nowMs;
    this.#mostPackets = 20 + 2 * this.#turnAcked;
    this.#turnAcked = 0;
    const moved = Math.sign(this.#windowPackets - this.#turnPackets);
    this.#turnPackets = this.#windowPackets;
    if (moved !== this.#direction) this.#velocity = 1;
    else if (nowMs - this.#directionMs > 3 * this.#loopMs()) this.#velocity *= 2;
  }
}
