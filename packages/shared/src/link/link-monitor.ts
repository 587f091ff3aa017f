import type { LinkMonitorConfig, LinkMonitorSink, LinkNumbers, LinkReason, LinkState } from "./link-config.ts";
import { LossMeter } from "./loss-meter.ts";
import { PdvEstimator } from "./pdv-estimator.ts";
import { ProbeLog } from "./probe-log.ts";
import { ProbePace } from "./probe-pace.ts";
import { Punishment } from "./punishment.ts";
import type { PathQuality } from "./quality.ts";
import { RttEstimator } from "./rtt-estimator.ts";
import { ShareRamp } from "./share-ramp.ts";
import { TrafficWatch } from "./traffic-watch.ts";

/** RTT above its minimum that shows a standing queue. */
const QUEUE_MS = 50;
/** The deepest buffers that lines have. */
const LONGEST_QUEUE_MS = 1000;
/** A lossy line misses answers in a row: as many as it would only by this chance are no sign of anything else. */
const CHANCE = 1e-6;
/** Silence needs so many unanswered probes, whatever the interval. */
const UNANSWERED_PROBES = 3;
/** Slow answers, or answers that report loss, in a row that evict; good ones that readmit. */
const SLOW_ANSWERS = 3;
const LOSSY_ANSWERS = 3;
const GOOD_ANSWERS = 5;
/** Limits are this part as high for a member that wants back in. */
const HYSTERESIS = 0.7;
/** The factor never makes less than this of a difference: 5 ms beside 25 ms is nothing. */
const FACTOR_FLOOR_MS = 100;
/** Datagrams that a verdict on loss rests on: to evict, to let in. */
const EVICT_PACKETS = 50;
const READMIT_PACKETS = 20;
/** Standard errors: it is asked every 100 ms, and a line that loses a third is not to be lucky once in a while. */
const READMIT_DOUBT = 2;
/** The owner's timer is never asked for sooner than this after its last call. */
const TIMER_STEP_MS = 10;

/**
 * Measures one path of one bond and decides whether it may carry frames. README.md of this folder states the rules.
 *
 * The hot calls (onSent, onReceived, onDataTime) only count. All decisions fall in onTimer, but for a lost carrier.
 */
export class LinkMonitor {
  state: LinkState = "down";
  readonly rtt = new RttEstimator();
  readonly pdv = new PdvEstimator();
  #config: LinkMonitorConfig;
  #pace: ProbePace;
  readonly #sink: LinkMonitorSink;
  readonly #probes = new ProbeLog();
  readonly #loss = new LossMeter();
  readonly #traffic: TrafficWatch;
  readonly #punishment = new Punishment();
  readonly #ramp = new ShareRamp();
  readonly #madeMs: number;
  #interfaceUp = true;
  #stateSinceMs: number;
  #usedMs = 0;
  #everUp = false;
  #leftForLoss = false;
  #heardMs = Number.NEGATIVE_INFINITY;
  #replyMs = Number.NEGATIVE_INFINITY;
  #goodAnswers = 0;
  #slowAnswers = 0;
  #lossyAnswers = 0;
  #bestRttMs = Number.NaN;
  #othersUsable = false;
  #faultSinceMs = Number.NaN;
  #checkedMs: number;
  /** Something was learned that onTimer has to judge. */
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(config: LinkMonitorConfig, sink: LinkMonitorSink, nowMs: number) {
    this.#config = config;
    this.#sink = sink;
    this.#pace = new ProbePace(config);
    this.#traffic = new TrafficWatch(nowMs);
    this.#madeMs = nowMs;
    this.#stateSinceMs = nowMs;
    this.#checkedMs = nowMs - TIMER_STEP_MS;
  }

  /** Goes by other settings from now on; what was measured stays. */
  configure(changes: Partial<LinkMonitorConfig>, nowMs: number): void {
    this.#config = { ...this.#config, ...changes };
    this.#pace = new ProbePace(this.#config);
    this.#wakeMs = nowMs;
  }

  get usable(): boolean {
    return this.state === "up";
  }

  /** Part of its normal load this member should get: 0 when not usable, rising to 1 after a readmission. */
  get share(): number {
    return this.usable ? this.#ramp.share : 0;
  }

  get stateSinceMs(): number {
    return this.#stateSinceMs;
  }

  /** For this end's probe replies: authentic datagrams received on this path, and the highest counter among them. */
  get receivedCount(): number {
    return this.#loss.receivedCount;
  }

  get highestCounter(): number {
    return this.#loss.highestCounter;
  }

  /** Loss of the sending direction as last measured; NaN when unknown. */
  get plrRatio(): number {
    return this.#loss.plrRatio;
  }

  /** When onTimer wants to be called next; may move in either direction with every other call. */
  get nextDeadlineMs(): number {
    const wantedMs = Math.min(
      this.#wakeMs,
      this.#nextProbeMs(),
      this.#silentAtMs(),
      this.#unansweredAtMs(),
      this.state === "pending" && this.#goodAnswers > 0 ? this.#dueMs() : Number.POSITIVE_INFINITY,
    );
    return Math.max(wantedMs, this.#checkedMs + TIMER_STEP_MS);
  }

  /** For every datagram sent on this path. @param isData a data datagram; probes and replies are not traffic. */
  onSent(sizeBytes: number, isData: boolean, nowMs: number): void {
    this.#traffic.tx.add(sizeBytes, nowMs);
    if (isData) this.#traffic.onData(nowMs);
  }

  /** For every datagram of this path that is authentic and no replay. */
  onReceived(counter: number, sizeBytes: number, nowMs: number): void {
    this.#traffic.rx.add(sizeBytes, nowMs);
    this.#loss.onReceived(counter);
    this.#heardMs = nowMs;
  }

  /** For every received data datagram, besides onReceived: its send time in units of 4 us, modulo 2^24. */
  onDataTime(sendTime24: number, nowMs: number): void {
    this.pdv.add(sendTime24, nowMs);
    this.#traffic.onData(nowMs);
  }

  /** Probes as if the path carried data, for as long as data counts: somebody wants to know soon whether it is alive. */
  attend(nowMs: number): void {
    this.#traffic.onData(nowMs);
    this.#wakeMs = nowMs;
  }

  /** A datagram named this path and failed authentication. */
  onForged(): void {
    this.#loss.onForged();
  }

  /** @param heldUs between the peer's receiving the probe and sending the reply. The counts are the peer's. */
  onProbeReply(probeId: number, heldUs: number, receivedCount: number, highestCounter: number, nowMs: number): void {
    const rttMs = this.#probes.onReply(probeId, nowMs) - heldUs / 1000;
    if (Number.isNaN(rttMs) || !this.#interfaceUp) return;
    this.#replyMs = nowMs;
    this.#wakeMs = nowMs;
    this.#loss.onReport(receivedCount, highestCounter, nowMs);
    this.#loss.measure(this.usable ? EVICT_PACKETS : READMIT_PACKETS, nowMs);
    this.#traffic.sampleLoad(nowMs);
    this.#judgeAnswer(rttMs, nowMs);
    this.#judgeLoss(nowMs);
  }

  /** The interface lost its carrier or its address (down at once, unless downDelay), or has them back. */
  onInterface(up: boolean, nowMs: number): void {
    if (up === this.#interfaceUp) return;
    this.#interfaceUp = up;
    this.#wakeMs = nowMs;
    if (up) this.#probes.sentMs = Number.NEGATIVE_INFINITY;
    else if (this.#config.downDelayMs === 0 || !this.usable) this.#enter("down", "carrier", nowMs);
  }

  /**
   * Sends what is due and judges the path. Nothing happens before nextDeadlineMs unless othersUsable has changed, so the owner
   * calls it for every member when one of them has changed its state.
   * @param bestRttMs lowest rtt.minMs of the bond's usable members, NaN if there is none.
   * @param othersUsable another member is usable now; asked anew for every member, as the answer changes with each.
   */
  onTimer(nowMs: number, bestRttMs: number, othersUsable: boolean): void {
    if (nowMs < this.nextDeadlineMs && othersUsable === this.#othersUsable) return;
    this.#othersUsable = othersUsable;
    this.#checkedMs = nowMs;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    this.#bestRttMs = bestRttMs;
    this.#traffic.onTimer(nowMs);
    if (nowMs >= this.#nextProbeMs()) this.#sink.sendProbe(this.#probes.onSent(nowMs));
    if (this.usable) {
      this.#judgeUsable(othersUsable, nowMs);
      this.#ramp.advance(this.#good(nowMs), this.#traffic.loaded(nowMs), nowMs);
      return;
    }
    if (this.state === "down") this.#judgeDown(othersUsable, nowMs);
    else if (nowMs >= this.#silentAtMs()) this.#enter("down", "silent", nowMs);
    if (this.state === "evicted") this.#judgeEvicted(othersUsable, nowMs);
    if (this.state === "pending") this.#judgePending(othersUsable, nowMs);
  }

  /** A snapshot for status and policies. */
  quality(nowMs: number): PathQuality {
    const usedMs = this.#usedMs + (this.usable ? nowMs - this.#stateSinceMs : 0);
    return {
      rttMs: this.rtt.smoothedMs,
      rttMinMs: this.rtt.minMs,
      rttMaxMs: this.rtt.maxMs,
      rttVarMs: this.rtt.variationMs,
      pdvMs: this.pdv.pdvMs,
      owdQueueMs: this.pdv.owdQueueMs,
      plrRatio: this.#loss.plrRatio,
      perRatio: this.#loss.perRatio,
      txKbps: this.#traffic.tx.kbps(nowMs),
      rxKbps: this.#traffic.rx.kbps(nowMs),
      txBytes: this.#traffic.tx.totalBytes,
      rxBytes: this.#traffic.rx.totalBytes,
      availabilityRatio: usedMs / (nowMs - this.#madeMs),
    };
  }

  // What is due when.

  #nextProbeMs(): number {
    if (!this.#interfaceUp) return Number.POSITIVE_INFINITY;
    const sentMs = this.#probes.sentMs;
    if (this.#traffic.busy && this.state !== "down") return sentMs + this.#pace.fastMs;
    if (!this.usable) {
      const sinceMs = sentMs - this.#stateSinceMs;
      return sentMs + this.#pace.outOfUseMs(this.state, sinceMs, this.#dueMs() - sentMs);
    }
    // An idle path whose answer is overdue is asked faster.
    const overdueMs = this.#probes.unansweredSinceMs + Math.max(this.#usualMs(), this.#pace.fastMs);
    const hurriedMs = Math.max(overdueMs, sentMs + this.#pace.fastMs);
    return Math.min(hurriedMs, sentMs + this.#pace.idleMs);
  }

  /** When the path is silent: nothing at all heard for long enough, and probes that ought to be answered are not. */
  #silentAtMs(): number {
    if (this.state === "down" || this.#probes.unansweredCount < UNANSWERED_PROBES) return Number.POSITIVE_INFINITY;
    const limitMs = this.#traffic.busy ? this.#config.failoverIntervalMs : this.#pace.idleSilenceMs;
    const heardMs = this.#traffic.busy ? Math.max(this.#heardMs, this.#traffic.busySinceMs) : this.#heardMs;
    const ageLimitMs = Math.max(limitMs - this.#pace.fastMs, this.#usualMs());
    return Math.max(heardMs + limitMs, this.#probes.unansweredSinceMs + ageLimitMs);
  }

  /**
   * When answers have stopped although the peer is heard: the age of the oldest probe is a lower bound of the RTT. A queue of
   * our own making slows the stream of answers while it grows, and loss makes gaps in it: both are granted their time.
   */
  #unansweredAtMs(): number {
    if (!this.usable || this.#probes.unansweredCount < UNANSWERED_PROBES) return Number.POSITIVE_INFINITY;
    const { failoverIntervalMs, evictRttMs } = this.#config;
    const busy = this.#traffic.busy;
    const busyLimitMs = Math.min(2 * failoverIntervalMs, Math.max(failoverIntervalMs, evictRttMs));
    const limitMs = busy ? busyLimitMs : Math.max(this.#pace.idleSilenceMs, evictRttMs);
    // Of an idle path the last answer is old anyway.
    const answeredMs = busy ? Math.max(this.#replyMs, this.#traffic.busySinceMs) : this.#probes.unansweredSinceMs;
    const missedMs = this.#pace.fastMs * (Math.log(CHANCE) / Math.log(Math.min(0.9, this.#probes.missedRatio)));
    const queueMs = this.#ownQueue(this.#replyMs) ? Math.min(this.rtt.queueMs, LONGEST_QUEUE_MS) : 0;
    const allowedMs = answeredMs + Math.max(limitMs, missedMs) + queueMs;
    return Math.max(allowedMs, this.#probes.unansweredSinceMs + this.#usualMs());
  }

  /** An answer may well take this long; after a ramp of the RTT its variation says more than is reasonable. */
  #usualMs(): number {
    const { smoothedMs, variationMs } = this.rtt;
    return Number.isNaN(smoothedMs) ? 0 : smoothedMs + Math.min(4 * variationMs, this.#config.failoverIntervalMs);
  }

  #dueMs(): number {
    return Math.max(this.#stateSinceMs + this.#config.upDelayMs, this.#punishment.untilMs);
  }

  // Verdicts.

  #judgeUsable(othersUsable: boolean, nowMs: number): void {
    const fault = this.#fault(othersUsable, nowMs);
    if (fault === undefined) {
      this.#faultSinceMs = Number.NaN;
      return;
    }
    if (Number.isNaN(this.#faultSinceMs)) this.#faultSinceMs = nowMs;
    if (nowMs - this.#faultSinceMs < this.#config.downDelayMs) return;
    this.#enter(fault === "rtt" || fault === "loss" ? "evicted" : "down", fault, nowMs);
  }

  /** Why a member in use must leave. The only usable one leaves for silence alone: a bad line is better than none. */
  #fault(othersUsable: boolean, nowMs: number): "carrier" | "silent" | "rtt" | "loss" | undefined {
    if (!this.#interfaceUp) return "carrier";
    if (nowMs >= this.#silentAtMs()) return "silent";
    if (!othersUsable) return undefined;
    if (this.#slowAnswers >= SLOW_ANSWERS || nowMs >= this.#unansweredAtMs()) return "rtt";
    return this.#lossyAnswers >= LOSSY_ANSWERS ? "loss" : undefined;
  }

  #judgeDown(othersUsable: boolean, nowMs: number): void {
    if (this.#slowAnswers > 0)
      this.#enter(othersUsable ? "evicted" : "pending", othersUsable ? "rtt" : "answered", nowMs);
    else if (this.#goodAnswers > 0) this.#enter("pending", "answered", nowMs);
  }

  #judgeEvicted(othersUsable: boolean, nowMs: number): void {
    if (!othersUsable && this.#goodAnswers + this.#slowAnswers > 0) this.#enter("up", "alone", nowMs);
    else if (this.#goodAnswers > 0 && this.#lossAllows()) this.#enter("pending", "recovered", nowMs);
  }

  #judgePending(othersUsable: boolean, nowMs: number): void {
    if (!othersUsable && this.#goodAnswers + this.#slowAnswers > 0) this.#enter("up", "alone", nowMs);
    else if (this.#slowAnswers > 0) this.#enter("evicted", "rtt", nowMs);
    else if (this.#loss.packetCount >= READMIT_PACKETS && !this.#lossAllows()) this.#enter("evicted", "loss", nowMs);
    else if (nowMs >= this.#dueMs() && this.#goodAnswers >= (this.#everUp ? GOOD_ANSWERS : 1) && this.#lossAllows())
      this.#enter("up", "confirmed", nowMs);
  }

  /** A member that left for loss has to prove itself; another must only not be known to be bad. */
  #lossAllows(): boolean {
    const { packetCount, plrRatio } = this.#loss;
    if (packetCount < READMIT_PACKETS) return !this.#leftForLoss;
    const doubt = this.#leftForLoss ? READMIT_DOUBT * Math.sqrt((plrRatio * (1 - plrRatio)) / packetCount) : 0;
    return plrRatio + doubt <= HYSTERESIS * this.#config.evictPlr;
  }

  #judgeAnswer(rttMs: number, nowMs: number): void {
    // A reply that the peer claims to have held longer than it took proves life, but no RTT. Nor does an answer of an idle
    // metered line: it shows how long a radio takes to wake.
    const asleep = this.#config.metered && this.usable && !this.#traffic.busy;
    const measured = rttMs > 0 && !asleep;
    if (measured) this.rtt.addSample(rttMs, nowMs);
    if (measured && rttMs > this.#rttLimitMs(nowMs)) {
      this.#slowAnswers++;
      this.#goodAnswers = 0;
    } else {
      this.#goodAnswers++;
      this.#slowAnswers = 0;
    }
  }

  #judgeLoss(nowMs: number): void {
    const lossy = this.#loss.packetCount >= EVICT_PACKETS && this.#loss.plrRatio > this.#config.evictPlr;
    this.#lossyAnswers = lossy && !this.#ownQueue(nowMs) ? this.#lossyAnswers + 1 : 0;
  }

  /** The RTT above which the member goes (in use), or stays out. */
  #rttLimitMs(nowMs: number): number {
    const { evictRttMs, evictRttFactor } = this.#config;
    const bestMs = this.#bestRttMs;
    let limitMs = evictRttMs;
    // A loaded line may be slow because of its load, and the best member's RTT says nothing about that.
    if (evictRttFactor > 0 && bestMs > 0 && !this.#traffic.loaded(nowMs))
      limitMs = Math.min(limitMs, Math.max(evictRttFactor * bestMs, bestMs + FACTOR_FLOOR_MS));
    if (this.usable) return limitMs;
    const floorMs = bestMs < limitMs ? bestMs : 0;
    return floorMs + HYSTERESIS * (limitMs - floorMs);
  }

  /** The line is full of what we send: then loss and delay are no fault of the line. */
  #ownQueue(nowMs: number): boolean {
    return this.#traffic.loaded(nowMs) && this.rtt.queueMs > QUEUE_MS;
  }

  /** What it shows now would readmit it: only then does its share rise. */
  #good(nowMs: number): boolean {
    const overdue = nowMs > this.#probes.unansweredSinceMs + this.#usualMs() + this.#pace.fastMs;
    return this.#slowAnswers === 0 && !overdue && this.#lossAllows();
  }

  #enter(to: LinkState, reason: LinkReason, nowMs: number): void {
    const from = this.state;
    if (from === to) return;
    const numbers = this.#numbers(nowMs);
    if (from === "up") this.#leave(reason, nowMs);
    if (to === "up") this.#ramp.start(!this.#everUp || reason === "alone", nowMs);
    if (to === "up") this.#everUp = true;
    if (to === "down" || to === "evicted") this.#forgetAnswers();
    this.state = to;
    this.#stateSinceMs = nowMs;
    this.#faultSinceMs = Number.NaN;
    this.#sink.stateChanged(from, to, reason, numbers);
  }

  #leave(reason: LinkReason, nowMs: number): void {
    const usedMs = nowMs - this.#stateSinceMs;
    this.#usedMs += usedMs;
    this.#leftForLoss = reason === "loss";
    this.#punishment.onOffence(usedMs, nowMs);
  }

  #forgetAnswers(): void {
    this.#goodAnswers = 0;
    this.#slowAnswers = 0;
    this.#lossyAnswers = 0;
    this.#loss.restart();
  }

  #numbers(nowMs: number): LinkNumbers {
    return {
      rttMs: this.rtt.smoothedMs,
      lastRttMs: this.rtt.lastMs,
      rttLimitMs: this.#rttLimitMs(nowMs),
      unansweredMs: Math.max(0, nowMs - this.#probes.unansweredSinceMs),
      unheardMs: nowMs - this.#heardMs,
      plrRatio: this.#loss.plrRatio,
      packetCount: this.#loss.packetCount,
      offences: this.#punishment.offences,
      waitMs: Math.max(0, this.#dueMs() - nowMs),
    };
  }
}
