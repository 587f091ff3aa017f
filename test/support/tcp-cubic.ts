import type { AckSample, CongestionControl, TcpState } from "./tcp-types.ts";

const BETA = 717 / 1024;
const SCALE = 0.4;
/** Acknowledged windows per segment that Reno would have grown (RFC 9438 section 4.3, the kernel's rounding). */
const RENO_ACKS = 15 / 8;

const HYSTART_LEAST_WINDOW = 16;
const HYSTART_SAMPLES = 8;
const HYSTART_TRAIN_GAP_MS = 2;
const HYSTART_LEAST_DELAY_MS = 4;
const HYSTART_MOST_DELAY_MS = 16;

/** Why and at which window slow start was left without a loss. */
export interface HystartExit {
  readonly reason: "train" | "delay";
  readonly cwnd: number;
  readonly nowMs: number;
}

/**
 * CUBIC with HyStart. Source: RFC 9438 and net/ipv4/tcp_cubic.c of Linux 6, whose constants and shortcuts it has.
 * HyStart leaves slow start when the acknowledgements of one round stretch over half the least RTT without a gap of 2 ms,
 * or when the least RTT of a round is an eighth (4 to 16 ms) above the least ever.
 */
export class Cubic implements CongestionControl {
  readonly wantsPacing = false;
  readonly ownsWindow = false;
  readonly holdsBack = false;
  hystartExit: HystartExit | undefined;
  readonly #hystart: boolean;
  #lastMax = 0;
  #epochMs = Number.NaN;
  #origin = 0;
  #kMs = 0;
  #renoWindow = 0;
  #renoAcks = 0;
  #credit = 0;
  #acksPerStep = 1;
  #updatedMs = Number.NaN;
  #updatedCwnd = 0;
  #delayMinMs = Number.POSITIVE_INFINITY;
  #roundEnd = -1;
  #roundStartMs = 0;
  #lastAckMs = 0;
  #roundRttMs = Number.POSITIVE_INFINITY;
  #roundSamples = 0;

  constructor(hystart = true) {
    this.#hystart = hystart;
  }

  onRtt(state: TcpState, rttMs: number, nowMs: number): void {
    if (nowMs - this.#epochMs < 1000) return; // Right after a recovery the RTT says nothing.
    this.#delayMinMs = Math.min(this.#delayMinMs, rttMs);
    const inSlowStart = state.cwnd < state.ssthresh;
    if (!this.#hystart || this.hystartExit || !inSlowStart || state.cwnd < HYSTART_LEAST_WINDOW) return;
    this.#watchRound(state, rttMs, nowMs);
  }

  onAck(state: TcpState, sample: AckSample): void {
    if (!sample.isCwndLimited) return;
    let acked = sample.delivered;
    if (state.cwnd < state.ssthresh) {
      const grown = Math.min(acked, state.ssthresh - state.cwnd);
      state.cwnd += grown;
      acked -= grown;
    }
    if (acked <= 0) return;
    this.#update(state.cwnd, acked, sample.nowMs);
    this.#credit += acked;
    const steps = Math.floor(this.#credit / this.#acksPerStep);
    this.#credit -= steps * this.#acksPerStep;
    state.cwnd += steps;
  }

  /** The delay that HyStart compares with is that of data. */
  onOpened(): void {}

  onLoss(state: TcpState): number {
    this.#epochMs = Number.NaN;
    // Fast convergence: the window is smaller than last time, so somebody else has come.
    this.#lastMax = state.cwnd < this.#lastMax ? (state.cwnd * (1 + BETA)) / 2 : state.cwnd;
    return Math.max(2, Math.floor(state.cwnd * BETA));
  }

  onTimeout(): void {
    this.#lastMax = 0;
    this.#epochMs = Number.NaN;
    this.#delayMinMs = Number.POSITIVE_INFINITY;
    this.hystartExit = undefined;
    this.#roundEnd = -1;
  }

  onUndo(): void {}

  #watchRound(state: TcpState, rttMs: number, nowMs: number): void {
    if (state.una > this.#roundEnd) {
      this.#roundEnd = state.nxt;
      this.#roundStartMs = nowMs;
      this.#lastAckMs = nowMs;
      this.#roundRttMs = Number.POSITIVE_INFINITY;
      this.#roundSamples = 0;
    }
    if (nowMs - this.#lastAckMs <= HYSTART_TRAIN_GAP_MS) {
      this.#lastAckMs = nowMs;
      const ackDelayMs = Math.min(1, (4 * 65_536) / state.pacingBytesPerMs);
      const thresholdMs = (this.#delayMinMs + ackDelayMs) / (state.isPaced ? 1 : 2);
      if (nowMs - this.#roundStartMs > thresholdMs) this.#exit(state, "train", nowMs);
    }
    this.#roundRttMs = Math.min(this.#roundRttMs, rttMs);
    if (this.#roundSamples++ < HYSTART_SAMPLES) return;
    const risenMs = Math.min(HYSTART_MOST_DELAY_MS, Math.max(HYSTART_LEAST_DELAY_MS, this.#delayMinMs / 8));
    if (this.#roundRttMs > this.#delayMinMs + risenMs) this.#exit(state, "delay", nowMs);
  }

  #exit(state: TcpState, reason: HystartExit["reason"], nowMs: number): void {
    this.hystartExit ??= { reason, cwnd: state.cwnd, nowMs };
    state.ssthresh = state.cwnd;
  }

  /** Sets how many acknowledged segments the window grows by one for. */
  #update(cwnd: number, acked: number, nowMs: number): void {
    this.#renoAcks += acked;
    if (cwnd === this.#updatedCwnd && nowMs - this.#updatedMs <= 1000 / 32) return;
    this.#updatedCwnd = cwnd;
    this.#updatedMs = nowMs;
    if (Number.isNaN(this.#epochMs)) this.#startEpoch(cwnd, acked, nowMs);
    const sinceMs = nowMs - this.#epochMs + (Number.isFinite(this.#delayMinMs) ? this.#delayMinMs : 0);
    const target = this.#origin + SCALE * ((sinceMs - this.#kMs) / 1000) ** 3;
    let acksPerStep = target > cwnd ? cwnd / (target - cwnd) : 100 * cwnd;
    if (this.#lastMax === 0) acksPerStep = Math.min(acksPerStep, 20);
    this.#acksPerStep = Math.max(2, Math.min(acksPerStep, this.#renoAcksPerStep(cwnd)));
  }

  #renoAcksPerStep(cwnd: number): number {
    const perSegment = cwnd * RENO_ACKS;
    const grown = Math.floor(this.#renoAcks / perSegment);
    this.#renoAcks -= grown * perSegment;
    this.#renoWindow += grown;
    return this.#renoWindow > cwnd ? cwnd / (this.#renoWindow - cwnd) : Number.POSITIVE_INFINITY;
  }

  #startEpoch(cwnd: number, acked: number, nowMs: number): void {
    this.#epochMs = nowMs;
    this.#renoAcks = acked;
    this.#renoWindow = cwnd;
    this.#origin = Math.max(cwnd, this.#lastMax);
    this.#kMs = 1000 * Math.cbrt((this.#origin - cwnd) / SCALE);
  }
}
