import { CubicWindow } from "./cubic-window.ts";
import { DeliverySeries } from "./delivery-series.ts";
import { ForeignDelay } from "./foreign-delay.ts";
import { LineNoise } from "./line-noise.ts";
import type { ControllerFigures, ControllerPhase, FeedbackSample, PathController, SentMark } from "./path-controller.ts";
import { PolicedRate } from "./policed-rate.ts";
import { WindowedLeast } from "./windowed-least.ts";

const PACKET_BYTES = 1500;
/** Queue that is kept in the line. */
const TARGET_MS = 12;
/** A standing queue begins here, and here growth ends. */
const STANDING_MS = 4.5;
const FULL_MS = 7;
const GUESS_BYTES_PER_MS = 125; // 1 Mbit/s
const LEAST_BYTES_PER_MS = 6; // 48 kbit/s
/** Before the first feedback. */
const INITIAL_BYTES = 10 * PACKET_BYTES;
const BASE_WINDOW_MS = 10_000;
/** Feedback takes so much longer than the round trip. */
const FEEDBACK_MS = 20;
/** What the window allows beyond the round trip, the queue and the wait for feedback. */
const SLACK_MS = 60;
/** A fall of the least delay by this much ends a spike. */
const SHORTER_MS = 30;
/** So long after the line became longer, longer pauses see whether it still is. */
const LONGER_FADES_MS = 60_000;
const AFTER_QUEUE_MS = 100;
const QUIET_MS = 1;
const DIP_INTERVAL_MS = 4000;
const DIP_MS = 4;
/** Nothing sent for so long after the queue has drained: the source had no more. */
const IDLE_MS = 2;
/** A rate that was not met for so long is believed less with every half-life, down to a quarter. */
const FRESH_MS = 1000;
const HALF_LIFE_MS = 2000;
const LEAST_BELIEVED = 0.25;

/**
 * Path controller that keeps a model of the line's queue: the virtual queue.
 *
 * Each datagram adds its transmission time at the estimated rate C, time drains it. Feedback about a datagram tells the
 * queue it really met; the difference to what was predicted, less what was corrected since, goes into the model at once.
 * So the loop has no delay (a Smith predictor) and holds the line's queue at the target whatever the error of C; C
 * follows the delivery rate that the receiver saw. Loss does not enter but through PolicedRate.
 */
export class VirtualQueueController implements PathController {
  rateBytesPerMs = GUESS_BYTES_PER_MS;
  inflightBytes = 0;
  /** Mean delay beyond the prediction. */
  latenessMs = 0;
  #isStartup = true;
  #gain = 4;
  #limit = Number.POSITIVE_INFINITY;
  #queueMs = 0;
  #queueAtMs = 0;
  #correctionMs = 0;
  #idleSinceMs = 0;
  #loadedMs = 0;
  #sharing = 1;
  #sentBytes = 0;
  #lostBytes = 0;
  /** Smoothed correction per ms: how fast the line's rate falls (> 0) or rises. */
  #trend = 0;
  #delivery = Number.NaN;
  #offered = Number.NaN;
  /** Delay beyond an empty line's: least of the last reports, and that of the newest. */
  #lineQueueMs = Number.NaN;
  #newestQueueMs = Number.NaN;
  #isLimited = false;
  /** The queue of the start has drained. */
  #isSettled = false;
  #startedMs = 0;
  #calmMs = 0;
  #emptyMs = 0;
  #dipUntilMs = 0;
  #nextDipMs = 0;
  /** What is seen until then is our own dip. */
  #shyUntilMs = 0;
  #feedbackMs = 0;
  /** The least delay before the line was found to be longer. */
  #formerBaseMs = Number.POSITIVE_INFINITY;
  #longerMs = 0;
  /** When there was a queue last: what a full buffer drops is no policer's work. */
  #queuedMs = Number.NEGATIVE_INFINITY;
  #usualRate = 0;
  #catchUpRate = 0;
  #hasLoss = false;
  #reducedMs = 0;
  readonly #base = new WindowedLeast(BASE_WINDOW_MS);
  readonly #rtt = new WindowedLeast(BASE_WINDOW_MS);
  readonly #series = new DeliverySeries();
  readonly #noise = new LineNoise();
  readonly #policed = new PolicedRate();
  readonly #foreign = new ForeignDelay();
  readonly #cubic = new CubicWindow();

  get phase(): ControllerPhase {
    if (this.#foreign.state === "competing") return "competing";
    if (this.#foreign.state === "doubt") return "foreign";
    if (this.#policed.isOn) return "policed";
    return this.#isStartup ? "startup" : "steady";
  }

  get baseOwdMs(): number {
    return this.#series.size === 0 ? Number.NaN : this.#base.value;
  }

  get rttMinMs(): number {
    return this.#series.size === 0 ? Number.NaN : this.#rtt.value;
  }

  setTypedLimit(kbps: number | null): void {
    this.#limit = kbps === null ? Number.POSITIVE_INFINITY : kbps / 8;
    this.#setRate(this.rateBytesPerMs);
  }

  setSharing(pathCount: number): void {
    this.#sharing = Math.max(1, pathCount);
  }

  onSent(bytes: number, nowMs: number, mark: SentMark): void {
    const queueMs = this.#modelMs(nowMs);
    if (nowMs - this.#queueAtMs > this.#queueMs + IDLE_MS) this.#idleSinceMs = nowMs;
    this.#queueMs = queueMs + bytes / this.#pace();
    this.#queueAtMs = nowMs;
    this.#sentBytes += bytes;
    this.inflightBytes += bytes;
    mark.queueMs = queueMs;
    mark.correctionMs = this.#correctionMs;
    mark.idleSinceMs = this.#idleSinceMs;
    mark.sentBytes = this.#sentBytes;
    if (this.#queueMs > TARGET_MS / 2) this.#onLoad(nowMs);
  }

  onGone(bytes: number, wasLost: boolean, _nowMs: number): void {
    this.inflightBytes -= bytes;
    if (!wasLost) return;
    this.#lostBytes += bytes;
    this.#hasLoss = true;
  }

  onFeedback(sample: FeedbackSample, nowMs: number): void {
    const spanMs = Math.max(1, Math.min(100, nowMs - this.#feedbackMs));
    this.#feedbackMs = nowMs;
    this.#take(sample, spanMs, nowMs);
    this.#correct(spanMs, sample.highestMark.queueMs > TARGET_MS / 2, nowMs);
    if (this.#series.size < 2) return;
    this.#measure(sample);
    this.#judge(sample, nowMs);
    if (this.#foreign.state === "competing") this.#compete(nowMs);
    else if (this.#foreign.state === "none") this.#adapt(nowMs);
    this.#usualRate = Math.max(this.rateBytesPerMs, this.#usualRate * (1 - spanMs / 15_000));
  }

  isOpen(nowMs: number): boolean {
    return this.#isOpen(nowMs, this.#targetMs());
  }

  isOpenForUrgent(nowMs: number): boolean {
    return this.#isOpen(nowMs, 2 * this.#targetMs());
  }

  nextOpenMs(nowMs: number): number {
    if (this.inflightBytes >= this.#window()) return Number.POSITIVE_INFINITY;
    return Math.max(this.#shutUntilMs(), nowMs + this.#modelMs(nowMs) - this.#targetMs());
  }

  queueMs(nowMs: number): number {
    const modelMs = this.#modelMs(nowMs);
    return this.#foreign.state === "none" ? modelMs : Math.max(modelMs, this.#newestQueueMs);
  }

  arrivalMs(bytes: number, nowMs: number): number {
    const lineMs = this.#series.size === 0 ? 0 : this.#base.value;
    return this.queueMs(nowMs) + bytes / this.rateBytesPerMs + lineMs + this.latenessMs;
  }

  explain(nowMs: number): ControllerFigures {
    return {
      rateKbps: this.rateBytesPerMs * 8,
      deliveryKbps: Number.isNaN(this.#delivery) ? null : this.#delivery * 8,
      inflightBytes: this.inflightBytes,
      windowBytes: this.#window(),
      queueMs: this.queueMs(nowMs),
      lineQueueMs: Number.isNaN(this.#lineQueueMs) ? null : this.#lineQueueMs,
      baseOwdMs: this.#series.size === 0 ? null : this.#base.value,
      rttMinMs: this.#series.size === 0 ? null : this.#rtt.value,
      pdvMs: this.#noise.pdvMs,
      marginMs: this.#noise.marginMs,
      latenessMs: this.latenessMs,
      plrRatio: this.#policed.plrRatio,
      gain: this.#gain,
      phase: this.phase,
    };
  }

  note() { return `${this.#policed.state} us ${this.#policed.usualRatio.toFixed(3)} hold ${(this.#policed as any).holdMs} | ${this.#foreign.state} ${this.#foreign.verdict} left ${this.#foreign.leftMs.toFixed(1)} tr ${this.#trend.toFixed(3)} lim ${this.#isLimited} off ${(this.#offered*8/1000).toFixed(2)} W ${(this.#cubic.bytes/1000).toFixed(0)}`; }
  #modelMs(nowMs: number): number {
    return Math.max(0, this.#queueMs - (nowMs - this.#queueAtMs));
  }

  #isOpen(nowMs: number, targetMs: number): boolean {
    if (nowMs < this.#shutUntilMs() || this.inflightBytes >= this.#window()) return false;
    return this.#modelMs(nowMs) < targetMs;
  }

  #shutUntilMs(): number {
    return Math.max(this.#dipUntilMs, this.#foreign.pauseUntilMs);
  }

  /** Never less than lets two packets be under way at the line. */
  #targetMs(): number {
    const packetMs = PACKET_BYTES / this.rateBytesPerMs;
    if (this.#policed.isOn) return Math.max(2, 2 * packetMs);
    const driftMs = this.#isStartup ? 0 : this.#steadyTrend() * (this.#rtt.value + FEEDBACK_MS);
    return Math.max(0, Math.min(2 * TARGET_MS, TARGET_MS - driftMs) / this.#sharing, 1.25 * packetMs);
  }

  #steadyTrend(): number {
    const noise = 0.02 * this.#noise.pdvMs;
    return this.#trend > 0 ? Math.max(0, this.#trend - noise) : Math.min(0, this.#trend + noise);
  }

  /** At what rate the model drains. */
  #pace(): number {
    if (this.#foreign.state === "competing") return (1.25 * this.#cubic.bytes) / this.#loopMs();
    if (this.#foreign.state === "doubt") return this.#usualRate / 2;
    return this.rateBytesPerMs * (this.#policed.isOn ? this.#policed.pace : this.#gain);
  }

  #window(): number {
    if (this.#series.size === 0) return INITIAL_BYTES;
    if (this.#foreign.state === "competing") return this.#cubic.bytes;
    const delayMs = this.#foreign.state === "doubt" ? this.#newestQueueMs : 0;
    const ms = this.#rtt.value + FEEDBACK_MS + SLACK_MS + 2 * TARGET_MS + this.#noise.marginMs + delayMs;
    return Math.max(INITIAL_BYTES, this.#pace() * ms);
  }

  /** From a datagram to the feedback about it, at the present delay. */
  #loopMs(): number {
    return this.#rtt.value + FEEDBACK_MS + Math.max(0, this.#newestQueueMs);
  }

  /** The source has something again: a rate that was not met for long may be gone (radio cells change within seconds). */
  #onLoad(nowMs: number): void {
    const staleMs = nowMs - this.#loadedMs - FRESH_MS;
    this.#loadedMs = nowMs;
    if (staleMs <= 0 || this.#isStartup || this.#foreign.state !== "none") return;
    const believed = Math.max(LEAST_BELIEVED, 2 ** (-staleMs / HALF_LIFE_MS));
    this.#catchUpRate = this.rateBytesPerMs;
    this.#setRate(this.rateBytesPerMs * believed);
    this.#queueMs /= believed;
  }

  #setRate(bytesPerMs: number): void {
    this.rateBytesPerMs = Math.min(this.#limit, Math.max(LEAST_BYTES_PER_MS, bytesPerMs));
  }

  #take(sample: FeedbackSample, spanMs: number, nowMs: number): void {
    const { highestMark: high, fastestMark: fast } = sample;
    const baseMs = this.#base.value;
    const owdMs = Math.min(sample.highestOwdMs, sample.fastestOwdMs);
    this.#rtt.add(sample.rttMs, nowMs);
    // A queue that others keep up must not pass for the line: only what was sent into an empty one may raise the base.
    const isQuiet = high.queueMs < QUIET_MS || fast.queueMs < QUIET_MS;
    if (isQuiet && this.#foreign.state === "none") this.#base.add(owdMs, nowMs);
    else this.#base.lower(owdMs);
    if (baseMs - this.#base.value > SHORTER_MS && this.#formerBaseMs < this.#base.value) {
      this.#base.restart(this.#formerBaseMs); // the spike is over, and what it held back is still a queue
      this.#formerBaseMs = Number.POSITIVE_INFINITY;
    }
    if (!this.#isStartup) this.#noise.onBaseChange(this.#base.value - baseMs);
    const highMs = sample.highestOwdMs - high.queueMs + high.correctionMs;
    const fastMs = sample.fastestOwdMs - fast.queueMs + fast.correctionMs;
    const { arrivalMs, receivedBytes, highestSentMs } = sample;
    this.#series.add(nowMs, arrivalMs, receivedBytes, highestSentMs, high.sentBytes, this.#lostBytes, owdMs, Math.min(highMs, fastMs));
    this.#noise.addSample(sample.highestOwdMs, highMs, high.sentBytes - receivedBytes, spanMs, this.#isStartup);
    const predictedMs = this.#base.value + Math.max(0, high.queueMs + this.#correctionMs - high.correctionMs);
    this.latenessMs += 0.05 * (Math.max(0, sample.highestOwdMs - predictedMs) - this.latenessMs);
  }

  /** Puts what was seen into the model. */
  #correct(spanMs: number, wasBusy: boolean, nowMs: number): void {
    const emptyMs = this.#base.value + this.#noise.marginMs;
    const windowMs = Math.min(30, 10 * this.#noise.pdvMs);
    const errorMs = this.#series.leastUnexplainedMs(windowMs) - emptyMs - this.#correctionMs;
    if (this.#isSettled && this.#foreign.state === "none" && nowMs > this.#shyUntilMs) this.#noise.addError(errorMs, wasBusy, spanMs);
    if (this.#policed.isOn || this.#foreign.state !== "none") return;
    if (this.#isSettled) this.#trend += (1 - Math.exp(-spanMs / 100)) * (errorMs / spanMs - this.#trend);
    const queueMs = this.#modelMs(nowMs);
    const correctedMs = Math.max(0, queueMs + errorMs);
    this.#correctionMs += correctedMs - queueMs;
    this.#queueMs = correctedMs;
    this.#queueAtMs = nowMs;
  }

  #measure(sample: FeedbackSample): void {
    const series = this.#series;
    const windowMs = this.#windowMs();
    const emptyMs = this.#base.value + this.#noise.marginMs;
    this.#lineQueueMs = series.leastOwdMs(Math.max(60, windowMs / 2)) - emptyMs;
    this.#newestQueueMs = sample.highestOwdMs - emptyMs;
    const back = series.back(windowMs);
    const spanMs = series.arrivalSpanMs(back);
    const bytes = series.receivedSince(back);
    if (spanMs < Math.min(windowMs, 30) || bytes < 2 * PACKET_BYTES) {
      this.#delivery = Number.NaN;
      return;
    }
    this.#delivery = bytes / spanMs;
    this.#offered = series.sentSince(back) / Math.max(1, series.sentSpanMs(back));
    this.#isLimited = sample.highestMark.idleSinceMs > series.sentMs(back);
  }

  /** Over what time the delivery rate is taken: longer for slow lines and for those whose delay varies. */
  #windowMs(): number {
    const rate = this.rateBytesPerMs;
    const { pdvMs } = this.#noise;
    if (this.#isStartup) return Math.max(10, (8 * PACKET_BYTES) / rate, Math.min(150, 6 * (pdvMs - 1)));
    return Math.min(400, Math.max(60, (25 * PACKET_BYTES) / rate, 14 * (pdvMs - 2)));
  }

  #judge(sample: FeedbackSample, nowMs: number): void {
    const foreign = this.#foreign;
    const before = foreign.state;
    const flightMs = this.#series.flightBytes() / this.rateBytesPerMs;
    const loopMs = this.#rtt.value + FEEDBACK_MS;
    foreign.onReport(this.#lineQueueMs, this.#newestQueueMs, sample.highestSentMs, flightMs, loopMs, this.#modelMs(nowMs), this.#noise.pdvMs, Math.max(TARGET_MS, (1.25 * PACKET_BYTES) / this.rateBytesPerMs), nowMs);
    if (foreign.verdict !== "none") this.#endDoubt(nowMs);
    else if (before !== "competing" && foreign.state === "competing") this.#cubic.start((this.#usualRate / 2) * this.#loopMs(), nowMs);
    if (foreign.state !== "none" || this.#newestQueueMs > 2 * TARGET_MS) this.#queuedMs = nowMs;
    if (nowMs - this.#queuedMs < AFTER_QUEUE_MS) {
      this.#policed.stop(this.#series);
      return;
    }
    if (this.#policed.state === "probing" && this.#lineQueueMs > 0.8 * TARGET_MS) this.#policed.stop(this.#series);
    const settleMs = this.#noise.isReordering ? 200 : 0;
    this.#policed.onReport(this.#series, this.#delivery, settleMs, this.#rtt.value, this.#isStartup, nowMs);
    if (!this.#policed.isOn) return;
    this.#isStartup = false;
    this.#setRate(this.#policed.bytesPerMs);
  }

  #endDoubt(nowMs: number): void {
    if (this.#foreign.verdict === "longer") {
      this.#formerBaseMs = this.#base.value;
      this.#longerMs = nowMs;
      this.#base.restart(this.#base.value + this.#foreign.leftMs);
      this.#rtt.restart(this.#rtt.value + this.#foreign.leftMs);
      this.#setRate(this.#usualRate);
    } else if (!Number.isNaN(this.#delivery)) {
      this.#setRate(this.#delivery);
    }
    this.#foreign.end();
    this.#trend = 0;
  }

  #compete(nowMs: number): void {
    const loopMs = this.#loopMs();
    if (this.#hasLoss && nowMs - this.#reducedMs > loopMs) {
      this.#cubic.onLoss(nowMs);
      this.#reducedMs = nowMs;
    } else if (this.inflightBytes > 0.8 * this.#cubic.bytes) {
      this.#cubic.grow(loopMs, nowMs);
    }
    this.#hasLoss = false;
    if (!Number.isNaN(this.#delivery)) this.#setRate(this.rateBytesPerMs + 0.1 * (this.#delivery - this.rateBytesPerMs));
  }

  /** Lets C follow the delivery rate, and looks for more. */
  #adapt(nowMs: number): void {
    this.#dip(nowMs);
    if (this.#policed.isOn || Number.isNaN(this.#delivery)) return;
    const queueMs = this.#lineQueueMs;
    const rate = this.rateBytesPerMs;
    const more = this.#delivery - rate;
    if (more > 0) this.#setRate(rate + (this.#isStartup ? 1 : 0.5) * more);
    else if (queueMs > STANDING_MS && !this.#isLimited) this.#setRate(rate + (queueMs > 2 * TARGET_MS ? 0.5 : 0.2) * more);
    if (this.#isStartup) this.#start(nowMs);
    else this.#grow(nowMs);
  }

  #start(nowMs: number): void {
    this.#gain = Math.max(2, Math.min(4, 1 + 60 / (this.#rtt.value + FEEDBACK_MS)));
    const { pdvMs } = this.#noise;
    const isFull = this.#lineQueueMs > FULL_MS + 2 * pdvMs && this.#offered > 1.15 * this.#delivery;
    if (!isFull && this.#lineQueueMs < 50 + 3 * pdvMs) return;
    this.#isStartup = false;
    this.#startedMs = nowMs;
    this.#calmMs = nowMs;
    this.#gain = 1;
  }

  #grow(nowMs: number): void {
    const queueMs = this.#lineQueueMs;
    const loopMs = this.#rtt.value + FEEDBACK_MS;
    if (queueMs < TARGET_MS + 2 * this.#noise.pdvMs || nowMs > this.#startedMs + 500 + 2 * loopMs) this.#isSettled = true;
    const isBlind = this.#isLimited || nowMs < this.#shyUntilMs;
    if (isBlind || queueMs > FULL_MS) this.#calmMs = nowMs;
    if (isBlind || queueMs > -this.#noise.marginMs / 4) this.#emptyMs = nowMs;
    if (queueMs > FULL_MS || this.rateBytesPerMs > this.#catchUpRate) this.#catchUpRate = 0;
    const calm = (nowMs - this.#calmMs) / loopMs;
    const isEmpty = this.#catchUpRate > 0 || nowMs - this.#emptyMs > 1.5 * loopMs;
    this.#gain = isEmpty || calm > 6 ? 2 : calm > 3 ? 1.3 : calm > 1.5 ? 1.15 : 1;
  }

  /** Lets the queue drain for a moment, so that the least delay is seen: all paths at once, as they may share a line. */
  #dip(nowMs: number): void {
    if (this.#isStartup || nowMs < this.#nextDipMs) return;
    const queueMs = this.#modelMs(nowMs);
    if (queueMs < 0.4 * TARGET_MS) return;
    const noiseMs = this.#noise.marginMs + (this.#noise.isReordering ? 2 * this.#noise.pdvMs : 0);
    if (nowMs - this.#longerMs > LONGER_FADES_MS) this.#formerBaseMs = Number.POSITIVE_INFINITY;
    const probeMs = this.#formerBaseMs === Number.POSITIVE_INFINITY ? DIP_MS : 2 * SHORTER_MS;
    this.#dipUntilMs = nowMs + queueMs + noiseMs + probeMs;
    this.#shyUntilMs = this.#dipUntilMs + this.#rtt.value + FEEDBACK_MS;
    this.#nextDipMs = (Math.floor(nowMs / DIP_INTERVAL_MS) + 1) * DIP_INTERVAL_MS;
  }
}
