import { AnswerVerdict } from "./answer-verdict.ts";
import type { LinkMonitorConfig, LinkMonitorSink, LinkNumbers, LinkReason, LinkState } from "./link-config.ts";
import type { LossMeter } from "./loss-meter.ts";
import { PathEvidence } from "./path-evidence.ts";
import type { PdvEstimator } from "./pdv-estimator.ts";
import { ProbePace } from "./probe-pace.ts";
import { Punishment } from "./punishment.ts";
import type { PathQuality } from "./quality.ts";
import type { RttEstimator } from "./rtt-estimator.ts";
import { ShareRamp } from "./share-ramp.ts";
import { Silence } from "./silence.ts";
import type { TrafficWatch } from "./traffic-watch.ts";

/** Good answers in a row that readmit. */
const GOOD_ANSWERS = 5;
/** The owner's timer is never asked for sooner than this after its last call. */
const TIMER_STEP_MS = 10;

/**
 * Measures one path of one bond and decides whether it may carry frames. README.md of this folder states the rules.
 *
 * The hot calls (onSent, onReceived, onDataTime) only count. All decisions fall in onTimer, but for a lost carrier.
 */
export class LinkMonitor {
  state: LinkState = "down";
  readonly rtt: RttEstimator;
  readonly pdv: PdvEstimator;
  #config: LinkMonitorConfig;
  #pace: ProbePace;
  readonly #evidence: PathEvidence;
  readonly #loss: LossMeter;
  readonly #traffic: TrafficWatch;
  readonly #answers: AnswerVerdict;
  readonly #silence: Silence;
  readonly #sink: LinkMonitorSink;
  readonly #punishment = new Punishment();
  readonly #ramp = new ShareRamp();
  readonly #madeMs: number;
  #interfaceUp = true;
  #stateSinceMs: number;
  #usedMs = 0;
  #everUp = false;
  #othersUsable = false;
  #faultSinceMs = Number.NaN;
  #checkedMs: number;
  /** Something was learned that onTimer has to judge. */
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(config: LinkMonitorConfig, sink: LinkMonitorSink, nowMs: number) {
    this.#config = config;
    this.#sink = sink;
    this.#pace = new ProbePace(config);
    this.#evidence = new PathEvidence(nowMs);
    this.rtt = this.#evidence.rtt;
    this.pdv = this.#evidence.pdv;
    this.#loss = this.#evidence.loss;
    this.#traffic = this.#evidence.traffic;
    this.#answers = new AnswerVerdict(this.#evidence, config);
    this.#silence = new Silence(this.#evidence, config, this.#pace);
    this.#madeMs = nowMs;
    this.#stateSinceMs = nowMs;
    this.#checkedMs = nowMs - TIMER_STEP_MS;
  }

  /** Goes by other settings from now on; what was measured stays. */
  configure(changes: Partial<LinkMonitorConfig>, nowMs: number): void {
    this.#config = { ...this.#config, ...changes };
    this.#pace = new ProbePace(this.#config);
    this.#answers.configure(this.#config);
    this.#silence.configure(this.#config, this.#pace);
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

  /** Whether it carried data of late, in either direction. */
  get busy(): boolean {
    return this.#traffic.busy;
  }

  /** When anything came in, last. */
  get heardMs(): number {
    return this.#evidence.heardMs;
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
      this.#silence.silentAtMs(this.state),
      this.#silence.unansweredAtMs(this.usable),
      this.state === "pending" && this.#answers.good > 0 ? this.#dueMs() : Number.POSITIVE_INFINITY,
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
    this.#evidence.heardMs = nowMs;
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
    const rttMs = this.#evidence.probes.onReply(probeId, nowMs) - heldUs / 1000;
    if (Number.isNaN(rttMs) || !this.#interfaceUp) return;
    this.#evidence.replyMs = nowMs;
    this.#wakeMs = nowMs;
    this.#loss.onReport(receivedCount, highestCounter, nowMs);
    this.#answers.onAnswer(rttMs, this.usable, nowMs);
  }

  /** The interface lost its carrier or its address (down at once, unless downDelay), or has them back. */
  onInterface(up: boolean, nowMs: number): void {
    if (up === this.#interfaceUp) return;
    this.#interfaceUp = up;
    this.#wakeMs = nowMs;
    if (up) this.#evidence.probes.sentMs = Number.NEGATIVE_INFINITY;
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
    this.#answers.bestRttMs = bestRttMs;
    this.#traffic.onTimer(nowMs);
    if (nowMs >= this.#nextProbeMs()) this.#sink.sendProbe(this.#evidence.probes.onSent(nowMs));
    if (this.usable) {
      this.#judgeUsable(othersUsable, nowMs);
      this.#ramp.advance(this.#good(nowMs), this.#traffic.loaded(nowMs), nowMs);
      return;
    }
    if (this.state === "down") this.#judgeDown(othersUsable, nowMs);
    else if (nowMs >= this.#silence.silentAtMs(this.state)) this.#enter("down", "silent", nowMs);
    if (this.state === "evicted") this.#judgeEvicted(othersUsable, nowMs);
    if (this.state === "pending") this.#judgePending(othersUsable, nowMs);
  }

  /** A snapshot for status and policies. */
  quality(nowMs: number): PathQuality {
    const usedMs = this.#usedMs + (this.usable ? nowMs - this.#stateSinceMs : 0);
    return this.#evidence.quality(usedMs / (nowMs - this.#madeMs), nowMs);
  }

  // What is due when.

  #nextProbeMs(): number {
    if (!this.#interfaceUp) return Number.POSITIVE_INFINITY;
    const sentMs = this.#evidence.probes.sentMs;
    if (this.#traffic.busy && this.state !== "down") return sentMs + this.#pace.fastMs;
    if (!this.usable) {
      const sinceMs = sentMs - this.#stateSinceMs;
      return sentMs + this.#pace.outOfUseMs(this.state, sinceMs, this.#dueMs() - sentMs);
    }
    // An idle path whose answer is overdue is asked faster.
    const overdueMs = this.#evidence.probes.unansweredSinceMs + Math.max(this.#silence.usualMs, this.#pace.fastMs);
    const hurriedMs = Math.max(overdueMs, sentMs + this.#pace.fastMs);
    return Math.min(hurriedMs, sentMs + this.#pace.idleMs);
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
    if (nowMs >= this.#silence.silentAtMs(this.state)) return "silent";
    if (!othersUsable) return undefined;
    if (this.#answers.tooSlow || nowMs >= this.#silence.unansweredAtMs(this.usable)) return "rtt";
    return this.#answers.tooLossy ? "loss" : undefined;
  }

  #judgeDown(othersUsable: boolean, nowMs: number): void {
    if (this.#answers.slow) this.#enter(othersUsable ? "evicted" : "pending", othersUsable ? "rtt" : "answered", nowMs);
    else if (this.#answers.good > 0) this.#enter("pending", "answered", nowMs);
  }

  #judgeEvicted(othersUsable: boolean, nowMs: number): void {
    if (!othersUsable && this.#answers.any) this.#enter("up", "alone", nowMs);
    else if (this.#answers.good > 0 && this.#answers.lossAllows) this.#enter("pending", "recovered", nowMs);
  }

  #judgePending(othersUsable: boolean, nowMs: number): void {
    if (!othersUsable && this.#answers.any) this.#enter("up", "alone", nowMs);
    else if (this.#answers.slow) this.#enter("evicted", "rtt", nowMs);
    else if (this.#answers.lossForbids) this.#enter("evicted", "loss", nowMs);
    else if (
      nowMs >= this.#dueMs() &&
      this.#answers.good >= (this.#everUp ? GOOD_ANSWERS : 1) &&
      this.#answers.lossAllows
    )
      this.#enter("up", "confirmed", nowMs);
  }

  /** What it shows now would readmit it: only then does its share rise. */
  #good(nowMs: number): boolean {
    const { unansweredSinceMs } = this.#evidence.probes;
    const overdue = nowMs > unansweredSinceMs + this.#silence.usualMs + this.#pace.fastMs;
    return !this.#answers.slow && !overdue && this.#answers.lossAllows;
  }

  #enter(to: LinkState, reason: LinkReason, nowMs: number): void {
    const from = this.state;
    if (from === to) return;
    const numbers = this.#numbers(nowMs);
    if (from === "up") this.#leave(reason, nowMs);
    if (to === "up") this.#ramp.start(!this.#everUp || reason === "alone", nowMs);
    if (to === "up") this.#everUp = true;
    if (to === "down" || to === "evicted") this.#answers.forget();
    this.state = to;
    this.#stateSinceMs = nowMs;
    this.#faultSinceMs = Number.NaN;
    this.#sink.stateChanged(from, to, reason, numbers);
  }

  #leave(reason: LinkReason, nowMs: number): void {
    const usedMs = nowMs - this.#stateSinceMs;
    this.#usedMs += usedMs;
    this.#answers.leftForLoss = reason === "loss";
    this.#punishment.onOffence(usedMs, nowMs);
  }

  #numbers(nowMs: number): LinkNumbers {
    return {
      rttMs: this.rtt.smoothedMs,
      lastRttMs: this.rtt.lastMs,
      rttLimitMs: this.#answers.rttLimitMs(this.usable, nowMs),
      unansweredMs: Math.max(0, nowMs - this.#evidence.probes.unansweredSinceMs),
      unheardMs: nowMs - this.#evidence.heardMs,
      plrRatio: this.#loss.plrRatio,
      packetCount: this.#loss.packetCount,
      offences: this.#punishment.offences,
      waitMs: Math.max(0, this.#dueMs() - nowMs),
    };
  }
}
