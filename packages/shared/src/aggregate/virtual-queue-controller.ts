import { DeliverySeries } from "./delivery-series.ts";
import type { ControllerFigures, ControllerPhase, FeedbackSample, PathController, SentMark } from "./path-controller.ts";
import { WindowedLeast } from "./windowed-least.ts";

const PACKET_BYTES = 1500;
/** Queue that is kept in the line. */
const TARGET_MS = 12;
/** A standing queue begins here. */
const STANDING_MS = 4.5;
const GUESS_BYTES_PER_MS = 125; // 1 Mbit/s
const INITIAL_BYTES = 10 * PACKET_BYTES;
const LEAST_BYTES_PER_MS = 6; // 48 kbit/s
const BASE_WINDOW_MS = 10_000;
const LEAST_WINDOW_MS = 60;
const MOST_WINDOW_MS = 400;
const WINDOW_PACKETS = 25;
const CORRECTION_WINDOW_MS = 30;
/** Feedback takes so much longer than the round trip. */
const FEEDBACK_MS = 20;
const SLACK_MS = 60;
const DIP_INTERVAL_MS = 4000;
const IDLE_MS = 2;
const DIP_MS = 4;

export class VirtualQueueController implements PathController {
  rateBytesPerMs = GUESS_BYTES_PER_MS;
  inflightBytes = 0;
  phase: ControllerPhase = "startup";
  latenessMs = 0;
  #gain = 4;
  #queueMs = 0;
  #queueAtMs = 0;
  #correctionMs = 0;
  #idleSinceMs = 0;
  #sentBytes = 0;
  #lineQueueMs = Number.NaN;
  #delivery = Number.NaN;
  #pdvMs = 0;
  #limit = Number.POSITIVE_INFINITY;
  #calmMs = 0;
  #dipUntilMs = 0;
  #nextDipMs = 0;
  #marginMs = 0;
  #lastErrorMs = 0;
  #peakMs = 0;
  #drained = false;
  #emptyMs = 0;
  #offered = Number.NaN;
  #missing = 0;
  #steadyMs = 0;
  #reorderRatio = 0;
  #trend = 0;
  #feedbackMs = 0;
  #plrRatio = 0;
  #owd1 = 0;
  #owd2 = 0;
  readonly #base = new WindowedLeast(BASE_WINDOW_MS);
  readonly #rtt = new WindowedLeast(BASE_WINDOW_MS);
  readonly #series = new DeliverySeries();

  get baseOwdMs(): number {
    return this.#series.size === 0 ? Number.NaN : this.#base.value;
  }

  get rttMinMs(): number {
    return this.#series.size === 0 ? Number.NaN : this.#rtt.value;
  }

  setTypedLimit(kbps: number | null): void {
    this.#limit = kbps === null ? Number.POSITIVE_INFINITY : kbps / 8;
    this.rateBytesPerMs = Math.min(this.rateBytesPerMs, this.#limit);
  }

  onSent(bytes: number, nowMs: number, mark: SentMark): void {
    const queueMs = this.queueMs(nowMs);
    if (nowMs - this.#queueAtMs > this.#queueMs + IDLE_MS) this.#idleSinceMs = nowMs;
    this.#queueMs = queueMs + bytes / (this.rateBytesPerMs * this.#gain);
    this.#queueAtMs = nowMs;
    this.#sentBytes += bytes;
    this.inflightBytes += bytes;
    mark.queueMs = queueMs;
    mark.correctionMs = this.#correctionMs;
    mark.idleSinceMs = this.#idleSinceMs;
    mark.sentBytes = this.#sentBytes;
  }

  onGone(bytes: number, _wasLost: boolean, _nowMs: number): void {
    this.inflightBytes -= bytes;
  }

  onFeedback(sample: FeedbackSample, nowMs: number): void {
    const { highestMark, fastestMark } = sample;
    this.#rtt.add(sample.rttMs, nowMs);
    const owdMs = Math.min(sample.highestOwdMs, sample.fastestOwdMs);
    const before = this.#base.value;
    this.#base.add(owdMs, nowMs);
    if (this.phase !== "startup") {
      this.#marginMs = Math.max(0, Math.min(this.#marginMs + before - this.#base.value, this.#mostMargin()));
    }
    const unexplainedMs = Math.min(
      sample.highestOwdMs - highestMark.queueMs + highestMark.correctionMs,
      sample.fastestOwdMs - fastestMark.queueMs + fastestMark.correctionMs,
    );
    this.#series.add(nowMs, sample.arrivalMs, sample.receivedBytes, sample.highestSentMs, highestMark.sentBytes, owdMs, unexplainedMs);
    this.#learnNoise(sample, nowMs);
    this.#correct(nowMs);
    this.#control(sample, nowMs);
    this.#feedbackMs = nowMs;
  }

  isOpen(nowMs: number): boolean {
    return this.#isOpen(nowMs, this.#targetMs());
  }

  isOpenForUrgent(nowMs: number): boolean {
    return this.#isOpen(nowMs, 2 * this.#targetMs());
  }

  nextOpenMs(nowMs: number): number {
    if (this.inflightBytes >= this.#window()) return Number.POSITIVE_INFINITY;
    return Math.max(this.#dipUntilMs, nowMs + this.queueMs(nowMs) - this.#targetMs());
  }

  queueMs(nowMs: number): number {
    return Math.max(0, this.#queueMs - (nowMs - this.#queueAtMs));
  }

  arrivalMs(bytes: number, nowMs: number): number {
    return this.queueMs(nowMs) + bytes / this.rateBytesPerMs + (this.#series.size === 0 ? 0 : this.#base.value) + this.latenessMs;
  }

  explain(nowMs: number): ControllerFigures {
    return {
      rateKbps: this.rateBytesPerMs * 8,
      deliveryKbps: Number.isNaN(this.#delivery) ? null : this.#delivery * 8,
      inflightBytes: this.inflightBytes,
      windowBytes: this.#window(),
      queueMs: this.queueMs(nowMs),
      lineQueueMs: Number.isNaN(this.#lineQueueMs) ? null : this.#lineQueueMs,
      baseOwdMs: this.baseOwdMs,
      rttMinMs: this.rttMinMs,
      pdvMs: this.#pdvMs,
      latenessMs: this.latenessMs,
      plrRatio: this.#plrRatio,
      gain: this.#gain,
      phase: this.phase,
      marginMs: this.#marginMs, note: `tr ${this.#trend.toFixed(3)} re ${this.#reorderRatio.toFixed(2)} P ${this.P.toFixed(3)} N ${this.N.toFixed(3)} J ${this.J.toFixed(3)}`,
    } as ControllerFigures;
  }

  #targetMs(): number {
    let target = TARGET_MS;
    if (this.phase !== "startup") target = Math.max(0, Math.min(2 * TARGET_MS, target - this.#steadyTrend() * (this.#rtt.value + FEEDBACK_MS)));
    return Math.max(target, (1.25 * PACKET_BYTES) / this.rateBytesPerMs);
  }

  #steadyTrend(): number {
    const noise = 0.02 * this.#pdvMs;
    return this.#trend > 0 ? Math.max(0, this.#trend - noise) : Math.min(0, this.#trend + noise);
  }

  #window(): number {
    if (this.#series.size === 0) return INITIAL_BYTES;
    const rttMs = this.#rtt.value;
    const ms = rttMs + FEEDBACK_MS + SLACK_MS + 2 * TARGET_MS + this.#marginMs;
    return Math.max(10 * PACKET_BYTES, this.rateBytesPerMs * this.#gain * ms);
  }

  #isOpen(nowMs: number, targetMs: number): boolean {
    if (nowMs < this.#dipUntilMs || this.inflightBytes >= this.#window()) return false;
    return this.queueMs(nowMs) < targetMs;
  }

  #learnNoise(sample: FeedbackSample, nowMs: number): void {
    const missing = sample.highestMark.sentBytes - sample.receivedBytes;
    const isOvertaken = missing < this.#missing;
    this.#missing = missing;
    this.#reorderRatio += 0.02 * ((isOvertaken ? 1 : 0) - this.#reorderRatio);
    const owdMs = sample.highestOwdMs - sample.highestMark.queueMs + sample.highestMark.correctionMs;
    const bend = Math.abs(owdMs - 2 * this.#owd1 + this.#owd2);
    if (this.#series.size > 2) this.#pdvMs += (this.phase === "startup" ? 0.2 : 0.05) * (Math.min(60, 4 + 4 * this.#pdvMs, bend) - this.#pdvMs);
    this.#owd2 = this.#owd1;
    this.#owd1 = owdMs;
    const { highestMark } = sample;
    const predictedMs = this.#base.value + Math.max(0, highestMark.queueMs + this.#correctionMs - highestMark.correctionMs);
    this.latenessMs += 0.05 * (Math.max(0, sample.highestOwdMs - predictedMs) - this.latenessMs);
  }

  #correct(nowMs: number): void {
    const errorMs = this.#series.leastUnexplainedMs(Math.min(CORRECTION_WINDOW_MS, 10 * this.#pdvMs)) - this.#base.value - this.#marginMs - this.#correctionMs;
    const queueMs = this.queueMs(nowMs);
    const correctedMs = Math.max(0, queueMs + errorMs);
    this.#learnMargin(errorMs, nowMs);
    const spanMs = Math.max(1, Math.min(100, nowMs - this.#feedbackMs));
    this.#trend += (1 - Math.exp(-spanMs / 100)) * (errorMs / spanMs - this.#trend);
    this.#correctionMs += correctedMs - queueMs;
    this.#queueMs = correctedMs;
    this.#queueAtMs = nowMs;
  }

  P = 0; N = 0; J = 0; T = 0;
  #learnMargin(errorMs: number, nowMs: number): void {
    { const d = Math.min(100, nowMs - this.#feedbackMs); const g = d / 1000; const j = Math.max(0, errorMs - Math.max(0, this.#lastErrorMs));
      this.P += g * (Math.max(0, errorMs) / d - this.P); this.N += g * (Math.max(0, -errorMs) / d - this.N); this.J += g * (j / d - this.J); }

    const jumpMs = Math.min(30, Math.max(0, errorMs - Math.max(0, this.#lastErrorMs)));
    this.#lastErrorMs = errorMs;
    const spanMs = Math.min(100, nowMs - this.#feedbackMs);
    this.#peakMs = Math.max(this.#pdvMs, this.#peakMs * (1 - spanMs / 30_000));
    if (this.phase === "startup") return;
    if (!this.#drained) {
      this.#drained = this.#lineQueueMs < TARGET_MS + 2 * this.#pdvMs || nowMs > this.#steadyMs + 500 + 2 * this.#rtt.value;
      return;
    }
    if (this.#reorderRatio > 0.1) {
      this.#marginMs = Math.min(1.5 * this.#pdvMs, 50);
      return;
    }
    this.#marginMs += jumpMs - 0.01 * spanMs;
    this.#marginMs = Math.max(0, Math.min(this.#marginMs, this.#mostMargin()));
  }

  #mostMargin(): number {
    return Math.max(0, Math.min(100, 6 * (this.#peakMs - 1.5)));
  }

  #control(sample: FeedbackSample, nowMs: number): void {
    const series = this.#series;
    if (series.size < 2) return;
    const rate = this.rateBytesPerMs;
    const isStartup = this.phase === "startup";
    const windowMs = isStartup
      ? Math.max(10, (8 * PACKET_BYTES) / rate, Math.min(150, 6 * (this.#pdvMs - 1)))
      : Math.min(MOST_WINDOW_MS, Math.max(LEAST_WINDOW_MS, (WINDOW_PACKETS * PACKET_BYTES) / rate, 14 * (this.#pdvMs - 2)));
    const queueMs = series.leastOwdMs(Math.max(LEAST_WINDOW_MS, windowMs / 2)) - this.#base.value - this.#marginMs;
    this.#lineQueueMs = queueMs;
    this.#dip(nowMs);
    const back = series.back(windowMs);
    const spanMs = series.arrivalSpanMs(back);
    const bytes = series.receivedSince(back);
    if (spanMs < Math.min(windowMs, 30) || bytes < 2 * PACKET_BYTES) return;
    const delivery = bytes / spanMs;
    this.#delivery = delivery;
    const limited = sample.highestMark.idleSinceMs > series.sentMs(back);
    this.#offered = series.sentSince(back) / Math.max(1, series.sentSpanMs(back));
    this.#adapt(delivery, limited, queueMs, nowMs);
  }

  #adapt(delivery: number, limited: boolean, queueMs: number, nowMs: number): void {
    let rate = this.rateBytesPerMs;
    if (delivery > rate) rate += (this.phase === "startup" ? 1 : 0.5) * (delivery - rate);
    else if (queueMs > STANDING_MS && !limited) rate += (queueMs > 2 * TARGET_MS ? 0.5 : 0.2) * (delivery - rate);
    this.rateBytesPerMs = Math.min(this.#limit, Math.max(LEAST_BYTES_PER_MS, rate));
    if (this.phase === "startup" && this.#isFull(queueMs)) {
      this.#steadyMs = nowMs;
      this.phase = "steady";
    }
    if (this.phase !== "startup" && queueMs > 0.6 * TARGET_MS) {
      this.#gain = 1;
      this.#calmMs = nowMs;
      return;
    }
    if (this.phase === "startup") {
      this.#gain = Math.max(2, Math.min(4, 1 + 60 / (this.#rtt.value + FEEDBACK_MS)));
      return;
    }
    if (limited) this.#calmMs = nowMs;
    if (limited || queueMs > -this.#marginMs / 4) this.#emptyMs = nowMs;
    const loopMs = this.#rtt.value + FEEDBACK_MS;
    const calm = (nowMs - this.#calmMs) / loopMs;
    const empty = (nowMs - this.#emptyMs) / loopMs;
    this.#gain = empty > 1.5 || calm > 6 ? 2 : calm > 3 ? 1.3 : calm > 1.5 ? 1.15 : 1;
  }

  #isFull(queueMs: number): boolean {
    if (queueMs > 50 + 3 * this.#pdvMs) return true;
    return queueMs > 0.6 * TARGET_MS + 2 * this.#pdvMs && this.#offered > 1.15 * this.#delivery;
  }

  #dip(nowMs: number): void {
    if (this.phase === "startup" || nowMs < this.#nextDipMs) return;
    const queueMs = this.queueMs(nowMs);
    if (queueMs < 0.4 * TARGET_MS) return;
    this.#dipUntilMs = nowMs + queueMs + this.#marginMs + DIP_MS + (this.#reorderRatio > 0.1 ? 2 * this.#pdvMs : 0);
    this.#nextDipMs = nowMs + DIP_INTERVAL_MS;
  }
}
