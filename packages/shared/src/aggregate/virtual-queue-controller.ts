import { CubicWindow } from "./cubic-window.ts";
import { DeliverySeries } from "./delivery-series.ts";
import { Dips } from "./dips.ts";
import { ForeignDelay } from "./foreign-delay.ts";
import { Gate } from "./gate.ts";
import { LeastDelays } from "./least-delays.ts";
import { LineMeasure } from "./line-measure.ts";
import { LineNoise } from "./line-noise.ts";
import type {
  ControllerFigures,
  ControllerPhase,
  FeedbackSample,
  PathController,
  SentMark,
} from "./path-controller.ts";
import { PolicedRate } from "./policed-rate.ts";
import { RateMemory } from "./rate-memory.ts";
import { RateSearch } from "./rate-search.ts";

const PACKET_BYTES = 1500;
/** Queue that is kept in the line. */
const TARGET_MS = 12;
const GUESS_BYTES_PER_MS = 125; // 1 Mbit/s
const LEAST_BYTES_PER_MS = 6; // 48 kbit/s
/** Before the first feedback. */
const INITIAL_BYTES = 10 * PACKET_BYTES;
/** Feedback takes so much longer than the round trip. */
const FEEDBACK_MS = 20;
/** What the window allows beyond the round trip, the queue and the wait for feedback. */
const SLACK_MS = 60;
/** Sent with less than this before it: the line was empty. */
const EMPTY_MS = 1;
/** How long after a long queue its losses are still told. */
const AFTER_QUEUE_MS = 100;
/** A line that reorders may deliver a datagram so much later than others. */
const REORDERED_MS = 200;
/** For so long after something came that had been given up, the line is taken for one that reorders. */
const CAME_LATE_MS = 2_000;
const TREND_MS = 100;
const MOST_SPAN_MS = 100;
/** A longer queue is that of a start or of a fall of the rate, which may meet several lines at once. */
const MOST_TELLING_MS = 40;
const COMPETING_PACE = 1.25;

/**
 * Path controller that keeps a model of the line's queue (docs/adr/0003-path-controller.md).
 *
 * The gate is open while the model's queue is below the target. Feedback about a datagram tells the queue it really met,
 * and the difference goes into the model at once. So the line's queue is held at the target whatever the error of the
 * rate; the rate follows what arrives. Loss does not enter but through PolicedRate, and neighbours through ForeignDelay.
 */
export class VirtualQueueController implements PathController {
  rateBytesPerMs = GUESS_BYTES_PER_MS;
  latenessMs = 0;
  pdvMs = 0;
  readonly #onDelay: (owdMs: number, nowMs: number) => void;
  // What is asked for every datagram and changes with reports alone; see #renew.
  #paceBytesPerMs = 0;
  #msPerByte = 0;
  #leastQueueMs = 0;
  /** What the queue grows by, as the line gets slower, before feedback tells; negative: it gets faster. */
  #driftMs = 0;
  #lineMs = 0;
  #sharing = 1;
  #sentBytes = 0;
  #lostBytes = 0;
  /** When something arrived last that had been given up. */
  #cameLateMs = Number.NEGATIVE_INFINITY;
  #feedbackMs = 0;
  /** When the queue was long, last: what a full buffer drops is no policer's work. */
  #longQueueMs = Number.NEGATIVE_INFINITY;
  /** Smoothed correction per ms: how fast the line's rate falls (> 0) or rises. */
  #trend = 0;
  /** Since the last reduction of the competing window. */
  #hasLoss = false;
  #reducedMs = 0;
  readonly #gate = new Gate();
  readonly #memory = new RateMemory();
  readonly #series = new DeliverySeries();
  readonly #least = new LeastDelays();
  readonly #line = new LineMeasure();
  readonly #noise = new LineNoise();
  readonly #search = new RateSearch();
  readonly #dips = new Dips();
  readonly #policed = new PolicedRate();
  readonly #foreign = new ForeignDelay();
  readonly #cubic = new CubicWindow();

  /** @param onDelay told the one-way delay of a queue that the source keeps up: fit for SharedBottleneck. */
  constructor(onDelay: (owdMs: number, nowMs: number) => void = () => {}) {
    this.#onDelay = onDelay;
    this.#renew();
  }

  get inflightBytes(): number {
    return this.#gate.inflightBytes;
  }

  get phase(): ControllerPhase {
    if (this.#foreign.state === "competing") return "competing";
    if (this.#foreign.state === "doubt") return "foreign";
    if (this.#policed.isOn) return "policed";
    return this.#search.isStartup ? "startup" : "steady";
  }

  get baseOwdMs(): number {
    return this.#series.size === 0 ? Number.NaN : this.#least.owdMs;
  }

  get rttMinMs(): number {
    return this.#series.size === 0 ? Number.NaN : this.#least.rttMs;
  }

  setTypedLimit(kbps: number | null): void {
    const limit = kbps === null ? Number.POSITIVE_INFINITY : Math.max(LEAST_BYTES_PER_MS, kbps / 8);
    this.#gate.setTypedLimit(limit, TARGET_MS);
    this.#setRate(this.rateBytesPerMs);
    this.#renew();
  }

  setSharing(pathCount: number): void {
    this.#sharing = Math.max(1, pathCount);
    this.#renew();
  }

  onSent(bytes: number, nowMs: number, mark: SentMark): void {
    const { queue } = this.#gate;
    const waitMs = this.#gate.add(bytes, this.#paceBytesPerMs, nowMs);
    this.#sentBytes += bytes;
    mark.queueMs = waitMs;
    mark.correctionMs = queue.correctionMs;
    mark.idleSinceMs = queue.idleSinceMs;
    mark.sentBytes = this.#sentBytes;
    if (waitMs > TARGET_MS / 2) this.#onLoad(nowMs);
  }

  onGone(bytes: number, wasLost: boolean, _nowMs: number): void {
    this.#gate.inflightBytes -= bytes;
    if (!wasLost) return;
    this.#lostBytes += bytes;
    this.#hasLoss = true;
  }

  onCameLate(bytes: number, nowMs: number): void {
    this.#lostBytes -= bytes;
    this.#cameLateMs = nowMs;
  }

  onFeedback(sample: FeedbackSample, nowMs: number): void {
    this.#gate.turn(nowMs);
    this.#learn(sample, nowMs);
    this.#renew();
  }

  #learn(sample: FeedbackSample, nowMs: number): void {
    const spanMs = Math.max(1, Math.min(MOST_SPAN_MS, nowMs - this.#feedbackMs));
    this.#feedbackMs = nowMs;
    this.#take(sample, spanMs, nowMs);
    this.#correct(sample, spanMs, nowMs);
    if (this.#series.size < 2) return;
    const { rateBytesPerMs: rate } = this;
    this.#line.take(this.#series, sample, this.#emptyOwdMs(), rate, this.#noise.pdvMs, this.#search.isStartup);
    this.#judgeDelay(sample, nowMs);
    this.#judgeLoss(nowMs);
    if (this.#foreign.state === "competing") this.#compete(nowMs);
    else if (this.#foreign.state === "none") this.#adapt(nowMs);
    const wasMet = this.#search.isSettled && this.#foreign.state === "none";
    this.#memory.onReport(this.rateBytesPerMs, wasMet, spanMs);
    if (this.#isTelling(nowMs)) this.#onDelay(Math.min(sample.highestOwdMs, sample.fastestOwdMs), nowMs);
  }

  isOpen(nowMs: number): boolean {
    return this.#gate.isOpen(nowMs);
  }

  isOpenForUrgent(nowMs: number): boolean {
    return this.#gate.isOpenForUrgent(nowMs);
  }

  nextOpenMs(nowMs: number): number {
    return this.#gate.nextOpenMs(nowMs);
  }

  queueMs(nowMs: number): number {
    return Math.max(this.#gate.queue.waitMs(nowMs), this.#leastQueueMs);
  }

  arrivalMs(bytes: number, nowMs: number): number {
    return this.queueMs(nowMs) + bytes * this.#msPerByte + this.#lineMs;
  }

  driftingArrivalMs(bytes: number, nowMs: number): number {
    const driftMs = this.#foreign.state === "none" ? this.#driftMs : 0;
    return this.arrivalMs(bytes, nowMs) + Math.max(-this.queueMs(nowMs), driftMs);
  }

  explain(nowMs: number): ControllerFigures {
    return {
      rateKbps: this.rateBytesPerMs * 8,
      deliveryKbps: known(this.#line.delivery * 8),
      inflightBytes: this.inflightBytes,
      windowBytes: this.#gate.windowBytes,
      queueMs: this.queueMs(nowMs),
      lineQueueMs: known(this.#line.queueMs),
      baseOwdMs: known(this.baseOwdMs),
      rttMinMs: known(this.rttMinMs),
      pdvMs: this.#noise.pdvMs,
      marginMs: this.#noise.marginMs,
      latenessMs: this.latenessMs,
      plrRatio: this.#policed.plrRatio,
      gain: this.#search.gain,
      phase: this.phase,
    };
  }

  #isTelling(nowMs: number): boolean {
    if (!this.#search.isSettled || this.#foreign.state === "doubt" || this.#line.isLimited) return false;
    if (this.#line.queueMs > MOST_TELLING_MS + this.#noise.marginMs) return false;
    return nowMs > this.#dips.seenUntilMs && nowMs > this.#foreign.pauseUntilMs;
  }

  #renew(): void {
    this.#paceBytesPerMs = this.#pace();
    this.#gate.windowBytes = this.#window();
    this.#driftMs = this.#drift();
    this.#gate.targetMs = this.#targetMs();
    this.#gate.shutUntilMs = Math.max(this.#dips.untilMs, this.#foreign.pauseUntilMs);
    this.#msPerByte = 1 / this.rateBytesPerMs;
    this.#leastQueueMs = this.#foreign.state === "none" ? 0 : this.#line.newestQueueMs;
    this.#lineMs = this.latenessMs + (this.#series.size === 0 ? 0 : this.#least.owdMs);
    this.pdvMs = this.#noise.pdvMs;
  }

  /**
   * Less while the line gets slower: by the time feedback tells, the queue is longer than the model says. Never so little
   * that fewer than two packets could be at the line, of the size that is sent: small ones need no long queue.
   */
  #targetMs(): number {
    const packetMs = this.#gate.largestBytes / this.rateBytesPerMs;
    if (this.#policed.isOn) return Math.max(2, 2 * packetMs);
    return Math.max(Math.min(2 * TARGET_MS, TARGET_MS - this.#driftMs) / this.#sharing, 1.25 * packetMs);
  }

  #drift(): number {
    const noise = 0.02 * this.#noise.pdvMs;
    const trend = Math.sign(this.#trend) * Math.max(0, Math.abs(this.#trend) - noise);
    return trend === 0 ? 0 : trend * (this.#least.rttMs + FEEDBACK_MS);
  }

  /** The rate at which the model drains. */
  #pace(): number {
    if (this.#foreign.state === "competing") return (COMPETING_PACE * this.#cubic.bytes) / this.#loopMs();
    if (this.#foreign.state === "doubt") return this.#memory.usual / 2;
    return this.rateBytesPerMs * (this.#policed.isOn ? this.#policed.pace : this.#search.gain);
  }

  #window(): number {
    if (this.#series.size === 0) return INITIAL_BYTES;
    if (this.#foreign.state === "competing") return this.#cubic.bytes;
    const foreignMs = this.#foreign.state === "doubt" ? this.#line.newestQueueMs : 0;
    const ms = this.#least.rttMs + FEEDBACK_MS + SLACK_MS + 2 * TARGET_MS + this.#noise.marginMs + foreignMs;
    return Math.max(INITIAL_BYTES, this.#pace() * ms);
  }

  /** From a datagram to the feedback about it, at the present delay. */
  #loopMs(): number {
    return this.#least.rttMs + FEEDBACK_MS + Math.max(0, this.#line.newestQueueMs);
  }

  #emptyOwdMs(): number {
    return this.#least.owdMs + this.#noise.marginMs;
  }

  #setRate(bytesPerMs: number): void {
    this.rateBytesPerMs = Math.min(this.#gate.limit, Math.max(LEAST_BYTES_PER_MS, bytesPerMs));
  }

  /** The source has something again. */
  #onLoad(nowMs: number): void {
    const believed = this.#memory.onLoad(this.rateBytesPerMs, nowMs);
    if (believed === 1 || this.#search.isStartup || this.#foreign.state !== "none") return;
    const former = this.rateBytesPerMs;
    this.#setRate(former * believed);
    this.#search.catchUp(former, this.rateBytesPerMs);
    this.#gate.queue.stretch(1 / believed, nowMs);
    this.#renew();
  }

  #take(sample: FeedbackSample, spanMs: number, nowMs: number): void {
    const { highestMark: high, fastestMark: fast, receivedBytes } = sample;
    const owdMs = Math.min(sample.highestOwdMs, sample.fastestOwdMs);
    const wasEmpty = this.#foreign.state === "none" && (high.queueMs < EMPTY_MS || fast.queueMs < EMPTY_MS);
    const riseMs = this.#least.add(owdMs, sample.rttMs, wasEmpty, nowMs);
    if (riseMs < 0) this.#dips.onFall(-riseMs, this.#noise.pdvMs, nowMs);
    if (riseMs > 0) this.#dips.onRise(riseMs, this.#noise.pdvMs, this.#least.rttMs);
    if (!this.#search.isStartup) this.#noise.onBaseChange(riseMs);
    const highMs = sample.highestOwdMs - high.queueMs + high.correctionMs;
    const fastMs = sample.fastestOwdMs - fast.queueMs + fast.correctionMs;
    const leastMs = Math.min(highMs, fastMs);
    const { arrivalMs, highestSentMs } = sample;
    this.#series.add(nowMs, arrivalMs, receivedBytes, highestSentMs, high.sentBytes, this.#lostBytes, owdMs, leastMs);
    const missingBytes = high.sentBytes - receivedBytes;
    this.#noise.addSample(sample.highestOwdMs, highMs, missingBytes, spanMs, this.#search.isStartup);
    const predictedMs =
      this.#least.owdMs + Math.max(0, high.queueMs + this.#gate.queue.correctionMs - high.correctionMs);
    this.latenessMs += 0.05 * (Math.max(0, sample.highestOwdMs - predictedMs) - this.latenessMs);
  }

  /** Puts what was seen into the model. */
  #correct(sample: FeedbackSample, spanMs: number, nowMs: number): void {
    if (this.#foreign.state !== "none") return;
    const { isSettled } = this.#search;
    const windowMs = Math.min(30, 10 * this.#noise.pdvMs);
    const errorMs = this.#series.leastUnexplainedMs(windowMs) - this.#emptyOwdMs() - this.#gate.queue.correctionMs;
    if (isSettled && nowMs > this.#dips.seenUntilMs) {
      const wasBusy = sample.highestMark.queueMs > TARGET_MS / 2;
      // Not by what a neighbour leaves of it.
      const rate = Math.max(this.rateBytesPerMs, this.#memory.usual / 2);
      this.#noise.addError(errorMs, wasBusy, PACKET_BYTES / rate, spanMs);
    }
    if (this.#policed.isOn) return;
    if (isSettled) this.#trend += (1 - Math.exp(-spanMs / TREND_MS)) * (errorMs / spanMs - this.#trend);
    // An empty line with a wide margin has less than no queue: what is missing is made up at half the rate, not at once.
    const isWide = this.#noise.marginMs > TARGET_MS && !this.#noise.isReordering;
    this.#gate.queue.correct(isWide ? Math.max(errorMs, -spanMs / 2) : errorMs, nowMs);
  }

  #judgeDelay(sample: FeedbackSample, nowMs: number): void {
    const foreign = this.#foreign;
    const before = foreign.state;
    // A neighbour starves the rate; what the line is must not be judged by what is left of it.
    const rate = Math.max(this.rateBytesPerMs, this.#memory.usual / 4);
    const flightMs = this.#series.flightBytes() / rate;
    const loopMs = this.#least.rttMs + FEEDBACK_MS;
    // What the start put into the line is ours, and so is the lateness of a line whose noise is not known yet.
    const { isSettled } = this.#search;
    const targetMs = isSettled ? Math.max(TARGET_MS, (1.25 * PACKET_BYTES) / rate) : Number.POSITIVE_INFINITY;
    const waitMs = this.#gate.queue.waitMs(nowMs);
    foreign.onReport(this.#line, sample.highestSentMs, flightMs, loopMs, waitMs, this.#noise.pdvMs, targetMs, nowMs);
    if (foreign.verdict !== "none") this.#endDoubt(nowMs);
    else if (before === "none" && foreign.state !== "none") this.#memory.doubt();
    else if (before !== "competing" && foreign.state === "competing") {
      this.#cubic.start((this.#memory.usual / 2) * this.#loopMs(), nowMs);
    }
  }

  #endDoubt(nowMs: number): void {
    if (this.#foreign.verdict === "longer") {
      this.#least.lengthen(this.#foreign.leftMs, nowMs);
      this.#setRate(this.#memory.usual);
    } else if (!Number.isNaN(this.#line.delivery)) {
      this.#setRate(this.#line.delivery);
    }
    this.#foreign.end();
    this.#trend = 0;
  }

  #judgeLoss(nowMs: number): void {
    const policed = this.#policed;
    if (this.#foreign.state !== "none" || this.#line.newestQueueMs > 2 * TARGET_MS) this.#longQueueMs = nowMs;
    const isQueueing = policed.state === "probing" && this.#line.queueMs > 0.8 * TARGET_MS;
    if (isQueueing || nowMs - this.#longQueueMs < AFTER_QUEUE_MS) {
      policed.stop(this.#series);
      return;
    }
    const isReordering = this.#noise.isReordering || nowMs - this.#cameLateMs < CAME_LATE_MS;
    const settleMs = isReordering ? REORDERED_MS : 0;
    const { isStartup } = this.#search;
    const wasOn = policed.isOn;
    policed.onReport(this.#series, this.#line.delivery, settleMs, this.#least.rttMs, isStartup, nowMs);
    if (!wasOn && !policed.isOn) return;
    if (isStartup) this.#search.endStartup(nowMs);
    this.#setRate(policed.bytesPerMs);
  }

  /** As a neighbour's TCP would: a fair share, not more. */
  #compete(nowMs: number): void {
    const loopMs = this.#loopMs();
    if (this.#hasLoss && nowMs - this.#reducedMs > loopMs) {
      this.#cubic.onLoss(nowMs);
      this.#reducedMs = nowMs;
    } else if (this.inflightBytes > 0.8 * this.#cubic.bytes) {
      this.#cubic.grow(loopMs, nowMs);
    }
    this.#hasLoss = false;
    const { delivery } = this.#line;
    if (!Number.isNaN(delivery)) this.#setRate(this.rateBytesPerMs + 0.1 * (delivery - this.rateBytesPerMs));
  }

  /** Lets the rate follow what arrives, and looks for more. */
  #adapt(nowMs: number): void {
    this.#dip(nowMs);
    const line = this.#line;
    if (this.#policed.isOn || Number.isNaN(line.delivery)) return;
    const search = this.#search;
    const { pdvMs, marginMs, variationMs } = this.#noise;
    this.#setRate(search.follow(this.rateBytesPerMs, line, variationMs));
    const loopMs = this.#least.rttMs + FEEDBACK_MS;
    const isBlind = line.isLimited || nowMs < this.#dips.seenUntilMs;
    if (search.isStartup && this.rateBytesPerMs >= this.#gate.limit) search.endStartup(nowMs);
    if (search.isStartup) search.start(line, pdvMs, loopMs, nowMs);
    else search.grow(line, this.rateBytesPerMs, marginMs, pdvMs, variationMs, loopMs, isBlind, nowMs);
  }

  #dip(nowMs: number): void {
    const waitMs = this.#gate.queue.waitMs(nowMs);
    if (this.#search.isStartup || !this.#dips.isDue(nowMs) || waitMs < 0.4 * TARGET_MS) return;
    const { marginMs, pdvMs, isReordering } = this.#noise;
    const drainMs = waitMs + marginMs + (isReordering ? 2 * pdvMs : 0);
    const emptyMs = this.#least.dipMs(this.#dips.lengthMs, nowMs);
    this.#dips.begin(drainMs, emptyMs, this.#least.rttMs + FEEDBACK_MS, nowMs);
  }
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
