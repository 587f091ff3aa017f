import { DeliveryRate } from "./tcp-rate.ts";
import { TcpRecovery } from "./tcp-recovery.ts";
import { TcpRtt } from "./tcp-rtt.ts";
import { Scoreboard, type SentSegment } from "./tcp-scoreboard.ts";
import {
  type AckSample,
  type CongestionControl,
  HEADER_BYTES,
  INITIAL_WINDOW,
  OPENING,
  type SegmentRange,
  type TcpAck,
  type TcpSegment,
  type TcpState,
} from "./tcp-types.ts";

const NEVER = Number.POSITIVE_INFINITY;
/** A SYN-ACK is sent again after this, once a second from then on; and its bytes. */
const OPENING_TIMEOUT_MS = 1000;
const OPENING_BYTES = 60;
/** Segments of the largest super-frame (64 KiB). */
const MOST_BURST = 44;

export interface TcpSenderSink {
  send(segment: TcpSegment, nowMs: number): void;
}

export interface TcpSenderOptions {
  readonly control: CongestionControl;
  /** Of the interface the connection starts at. */
  readonly mtu: number;
  /** As with the fq qdisc; BBR always is. Default false, as on a host with any other qdisc. */
  readonly isPaced?: boolean;
}

/**
 * The sending end of the TCP model. Time is an argument; it tells what it wants by nextDeadlineMs and its sink.
 *
 * Source: net/ipv4/tcp_{input,output,rate,timer}.c of Linux 6: RACK-TLP (RFC 8985), super-frames sized for a millisecond and
 * deferred until a third of the window is free, pacing at 200 % (slow start) and 120 % of the window per RTT.
 */
export class TcpSender {
  readonly counters = { sent: 0, resent: 0, timeouts: 0, tailProbes: 0 };
  readonly state: TcpState;
  readonly recovery: TcpRecovery;
  readonly #board = new Scoreboard();
  readonly #control: CongestionControl;
  readonly #sink: TcpSenderSink;
  readonly #rtt = new TcpRtt();
  readonly #rate = new DeliveryRate();
  /** Of the acknowledgement before: what is in them need not be looked at again. */
  #knownSacks: readonly SegmentRange[] = [];
  /** Segments offered, and bytes of the last one. */
  #offered = 0;
  #lastBytes = 0;
  #peerWindowEnd = INITIAL_WINDOW;
  #sendableAtMs = 0;
  #isHeldByPace = false;
  /** When the SYN-ACK was sent that has not been answered; NaN: none waits for its answer. */
  #openedMs = Number.NaN;
  #wroteMs = Number.NEGATIVE_INFINITY;
  #reorderMs = NEVER;
  #timeoutMs = NEVER;
  #probeMs = NEVER;
  #backoff = 1;
  /** A tail loss probe is out: the segment behind it; -1: none is. */
  #probeEnd = -1;
  #probeIsCopy = false;
  /** Use of the window since it was judged last. */
  #isCwndLimited = false;
  #mostPacketsOut = 0;
  #usageEnd = 0;

  constructor(options: TcpSenderOptions, sink: TcpSenderSink) {
    this.#control = options.control;
    this.#sink = sink;
    this.state = {
      mssBytes: options.mtu - HEADER_BYTES,
      sizeBytes: options.mtu,
      isPaced: options.control.wantsPacing || options.isPaced === true,
      phase: "open",
      cwnd: INITIAL_WINDOW,
      ssthresh: NEVER,
      srttMs: Number.NaN,
      minRttMs: Number.NaN,
      pacingBytesPerMs: Number.NaN,
      una: 0,
      nxt: 0,
      delivered: 0,
      inflight: 0,
    };
    this.recovery = new TcpRecovery(this.state, this.#board, options.control);
  }

  get isDone(): boolean {
    return this.#board.una >= this.#offered;
  }

  /** Infinity: only an acknowledgement or more to send changes anything. */
  get nextDeadlineMs(): number {
    if (this.#isOpening) return this.#openedMs + OPENING_TIMEOUT_MS;
    const timerMs = Math.min(this.#timeoutMs, this.#probeMs, this.#reorderMs);
    return this.#isHeldByPace ? Math.min(timerMs, this.#sendableAtMs) : timerMs;
  }

  /** The application writes; Infinity: it never stops. */
  offer(bytes: number, nowMs: number): void {
    this.#offered += Math.ceil(bytes / this.state.mssBytes);
    this.#lastBytes = bytes % this.state.mssBytes || this.state.mssBytes;
    if (!this.#isOpening) this.#send(nowMs);
  }

  /** Answers a SYN; nothing else is sent before that is acknowledged. Without it the handshake is over. */
  open(nowMs: number): void {
    this.#openedMs = nowMs;
    this.#sink.send(
      { kind: "data", sequence: OPENING, payloadBytes: 0, sizeBytes: OPENING_BYTES, sentMs: nowMs },
      nowMs,
    );
  }

  onAck(ack: TcpAck, nowMs: number): void {
    if (this.#isOpening) {
      this.#onOpened(nowMs);
      return;
    }
    const board = this.#board;
    const unaBefore = board.una;
    if (ack.acknowledged < unaBefore) return;
    const lostBefore = board.lostOut;
    this.#peerWindowEnd = Math.max(this.#peerWindowEnd, ack.acknowledged + ack.windowSegments);
    const sample = this.#take(ack, nowMs);
    const hasAdvanced = board.una > unaBefore;
    if (hasAdvanced) this.#backoff = 1;
    if (ack.duplicate !== undefined) this.#onDuplicate(ack.duplicate[0]);
    this.#copyState();
    if (!Number.isNaN(sample.rttMs)) this.#control.onRtt(this.state, sample.rttMs, nowMs);
    this.#onProbeAcknowledged(ack);
    this.recovery.onAck(ack, hasAdvanced);
    if (board.sackedOut > 0 || this.recovery.isActive) this.#detectLost(nowMs);
    this.recovery.enterIfLost();
    sample.lost = Math.max(0, board.lostOut - lostBefore);
    this.#steer(sample);
    if (sample.delivered > 0) this.#restartTimers(nowMs);
    this.#send(nowMs);
  }

  onTimer(nowMs: number): void {
    if (this.#isOpening) {
      if (nowMs >= this.nextDeadlineMs) this.open(nowMs);
      return;
    }
    if (nowMs >= this.#reorderMs) this.#onReorderTimer(nowMs);
    if (nowMs >= this.#probeMs) this.#sendTailProbe(nowMs);
    else if (nowMs >= this.#timeoutMs) this.#onTimeout(nowMs);
    this.#send(nowMs);
  }

  get #isOpening(): boolean {
    return !Number.isNaN(this.#openedMs);
  }

  #onOpened(nowMs: number): void {
    const rttMs = nowMs - this.#openedMs;
    this.#openedMs = Number.NaN;
    this.#rtt.addSample(rttMs, rttMs);
    this.#copyState();
    this.#control.onOpened(rttMs, nowMs);
    this.#send(nowMs);
  }

  #take(ack: TcpAck, nowMs: number): AckSample {
    const sample = this.#newSample(nowMs);
    let newest: SentSegment | undefined;
    let oldestRttMs = Number.NaN;
    const take = (sequence: number, isCumulative: boolean): void => {
      const sent = this.#board.find(sequence);
      if (sent === undefined || (sent.isSacked && !isCumulative)) return;
      if (isCumulative) sample.cumulative++;
      if (!this.#board.deliver(sent, isCumulative, this.#rtt.minMs, nowMs)) return;
      sample.delivered++;
      if (newest === undefined || sent.sentMs >= newest.sentMs) newest = sent;
      if (sent.wasResent) return;
      sample.rttMs = nowMs - sent.sentMs;
      if (Number.isNaN(oldestRttMs)) oldestRttMs = sample.rttMs;
    };
    for (let at = this.#board.una; at < ack.acknowledged; at++) take(at, true);
    for (const range of [...ack.sacks].sort((a, b) => a[0] - b[0])) {
      const known = this.#knownSacks.find(([from, to]) => from <= range[0] && range[0] < to);
      for (let at = known?.[1] ?? range[0]; at < range[1]; at++) take(at, false);
    }
    this.#knownSacks = ack.sacks;
    if (!Number.isNaN(oldestRttMs)) this.#rtt.addSample(oldestRttMs, sample.rttMs);
    if (newest !== undefined) this.#rate.measure(newest, sample, this.#rtt.minMs);
    this.state.delivered = this.#rate.delivered;
    return sample;
  }

  #newSample(nowMs: number): AckSample {
    const { cwnd, ssthresh } = this.state;
    return {
      nowMs,
      delivered: 0,
      cumulative: 0,
      lost: 0,
      rttMs: Number.NaN,
      inflightBefore: this.#board.inflight,
      rateDelivered: Number.NaN,
      rateIntervalMs: Number.NaN,
      priorDelivered: -1,
      isAppLimited: false,
      isCwndLimited: this.#isCwndLimited || (cwnd < ssthresh && cwnd < 2 * this.#mostPacketsOut),
    };
  }

  #copyState(): void {
    const { state } = this;
    state.una = this.#board.una;
    state.nxt = this.#board.nxt;
    state.inflight = this.#board.inflight;
    state.srttMs = this.#rtt.smoothedMs;
    state.minRttMs = this.#rtt.minMs;
  }

  #onDuplicate(sequence: number): void {
    this.#board.onDuplicateDelivery(this.state.delivered, this.state.delivered + this.#board.inflight);
    this.recovery.onDuplicate(sequence);
    if (this.#probeIsCopy && sequence === this.#probeEnd - 1) this.#probeEnd = -1;
  }

  #onProbeAcknowledged(ack: TcpAck): void {
    if (this.#probeEnd < 0 || ack.acknowledged < this.#probeEnd) return;
    // What was sent behind the probe is acknowledged, and no DSACK has come: the probe was the only copy that arrived.
    if (this.#probeIsCopy && ack.acknowledged > this.#probeEnd) this.recovery.onProbeRepaired();
    if (!this.#probeIsCopy || ack.acknowledged > this.#probeEnd) this.#probeEnd = -1;
  }

  #detectLost(nowMs: number): void {
    const windowMs = this.#board.reorderingWindowMs(this.recovery.isActive, this.#rtt.minMs, this.#rtt.smoothedMs);
    this.#reorderMs = this.#board.detectLost(windowMs, nowMs);
  }

  #steer(sample: AckSample): void {
    const { state } = this;
    const board = this.#board;
    this.#copyState();
    if (this.#control.ownsWindow) {
      this.#control.onAck(state, sample);
      if (this.#control.holdsBack) this.#rate.onAppLimited(board.inflight);
      return;
    }
    if (state.phase === "recovery") this.recovery.reduceWindow(sample);
    else if (sample.cumulative > 0 || (board.reorderingSeen && sample.delivered > 0))
      this.#control.onAck(state, sample);
    const factor = state.cwnd < state.ssthresh / 2 ? 2 : 1.2;
    state.pacingBytesPerMs = (factor * Math.max(state.cwnd, board.packetsOut) * state.sizeBytes) / this.#rtt.smoothedMs;
  }

  #onReorderTimer(nowMs: number): void {
    const board = this.#board;
    this.#detectLost(nowMs);
    this.recovery.enterIfLost();
    if (board.lostOut > 0 && this.state.phase === "recovery" && !this.#control.ownsWindow)
      this.state.cwnd = Math.max(this.state.cwnd, Math.min(this.state.ssthresh, board.inflight + 1));
  }

  #onTimeout(nowMs: number): void {
    this.counters.timeouts++;
    this.#probeMs = NEVER;
    this.#probeEnd = -1;
    this.#reorderMs = NEVER;
    this.recovery.onTimeout(nowMs);
    this.#backoff = Math.min(512, this.#backoff * 2);
    this.#timeoutMs = nowMs + this.#rtt.timeoutMs * this.#backoff;
    this.#sendableAtMs = nowMs;
  }

  /** The last segments may be lost without any behind them to tell: send one more, or the last one again. */
  #sendTailProbe(nowMs: number): void {
    const board = this.#board;
    const last = board.find(board.nxt - 1);
    this.#probeIsCopy = this.#fresh <= 0;
    if (!this.#probeIsCopy) this.#transmit(undefined, nowMs);
    else if (last !== undefined && !last.isSacked) this.#transmit(last, nowMs);
    this.counters.tailProbes++;
    this.#probeEnd = board.nxt;
    this.#probeMs = NEVER;
    this.#timeoutMs = nowMs + this.#rtt.timeoutMs * this.#backoff;
  }

  #restartTimers(nowMs: number): void {
    const isEmpty = this.#board.packetsOut === 0;
    this.#timeoutMs = isEmpty ? NEVER : nowMs + this.#rtt.timeoutMs * this.#backoff;
    if (isEmpty) this.#reorderMs = NEVER;
    this.#scheduleProbe(nowMs);
  }

  #scheduleProbe(nowMs: number): void {
    const { packetsOut, sackedOut } = this.#board;
    const isDue = !this.recovery.isActive && packetsOut > 0 && sackedOut === 0 && this.#probeEnd < 0;
    this.#probeMs = NEVER;
    if (!isDue) return;
    // The kernel has one timer: where the other one would fire first, the probe goes out in its place.
    const timeoutMs = (this.#board.find(this.#board.una)?.sentMs ?? nowMs) + this.#rtt.timeoutMs * this.#backoff;
    this.#probeMs = nowMs + this.#rtt.probeMs(packetsOut === 1);
    if (timeoutMs > nowMs) this.#probeMs = Math.min(this.#probeMs, timeoutMs);
  }

  /** New segments that the peer takes. */
  get #fresh(): number {
    return Math.min(this.#offered, this.#peerWindowEnd) - this.#board.nxt;
  }

  #send(nowMs: number): void {
    const { state } = this;
    const nxtBefore = this.#board.nxt;
    let isLimited = false;
    this.#isHeldByPace = false;
    for (;;) {
      const quota = state.cwnd - this.#board.inflight;
      const lost = this.#board.firstLost();
      if (lost === undefined && this.#fresh <= 0) break;
      isLimited = quota < 1 || (lost === undefined && this.#defers(quota, nowMs));
      this.#isHeldByPace = !isLimited && state.isPaced && nowMs < this.#sendableAtMs;
      if (isLimited || this.#isHeldByPace) break;
      const burst = lost === undefined ? Math.floor(Math.min(quota, this.#fresh, this.#burstGoal)) : 1;
      for (let i = 0; i < burst; i++) this.#transmit(lost, nowMs);
      if (state.pacingBytesPerMs > 0)
        this.#sendableAtMs = Math.max(nowMs, this.#sendableAtMs) + (burst * state.sizeBytes) / state.pacingBytesPerMs;
    }
    this.#judgeUsage(isLimited);
    if (this.#board.nxt > nxtBefore) this.#scheduleProbe(nowMs);
  }

  /** Segments sent as one super-frame: what a millisecond takes. */
  get #burstGoal(): number {
    const perMs = Math.floor((this.state.pacingBytesPerMs || 0) / this.state.sizeBytes);
    return Math.max(2, Math.min(MOST_BURST, perMs));
  }

  /** Waits for more room, for the sake of larger super-frames (tcp_tso_should_defer). */
  #defers(quota: number, nowMs: number): boolean {
    const { cwnd, phase, srttMs } = this.state;
    const room = Math.min(quota, this.#peerWindowEnd - this.#board.nxt);
    if (this.#fresh <= room || room >= Math.min(this.#burstGoal, cwnd / 3) || phase === "recovery") return false;
    const oldest = this.#board.find(this.#board.una);
    return oldest !== undefined && nowMs - this.#wroteMs <= 1 && nowMs - oldest.sentMs >= srttMs / 2;
  }

  /** @param lost to be sent again; undefined: a new one. */
  #transmit(lost: SentSegment | undefined, nowMs: number): void {
    const board = this.#board;
    if (board.packetsOut === 0) {
      this.#rate.onStart(nowMs);
      this.#timeoutMs = nowMs + this.#rtt.timeoutMs * this.#backoff;
    }
    if (lost !== undefined) board.resend(lost, nowMs);
    const sent = lost ?? board.sendNew(nowMs);
    this.#rate.stamp(sent);
    this.counters.sent++;
    if (lost !== undefined) this.counters.resent++;
    this.recovery.onSegmentSent(lost !== undefined, nowMs);
    this.#wroteMs = nowMs;
    const payloadBytes = sent.sequence === this.#offered - 1 ? this.#lastBytes : this.state.mssBytes;
    const { sequence } = sent;
    this.#sink.send(
      { kind: "data", sequence, payloadBytes, sizeBytes: payloadBytes + HEADER_BYTES, sentMs: nowMs },
      nowMs,
    );
  }

  /** The kernel's tcp_cwnd_validate: a window that is not used does not grow. */
  #judgeUsage(isLimited: boolean): void {
    const board = this.#board;
    if (this.#fresh <= 0 && board.firstLost() === undefined && board.inflight < this.state.cwnd)
      this.#rate.onAppLimited(board.inflight);
    const { packetsOut } = board;
    if (board.una < this.#usageEnd && !isLimited && (this.#isCwndLimited || packetsOut <= this.#mostPacketsOut)) return;
    this.#isCwndLimited = isLimited;
    this.#mostPacketsOut = packetsOut;
    this.#usageEnd = board.nxt;
  }
}
