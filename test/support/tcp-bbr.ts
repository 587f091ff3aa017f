import { type AckSample, type CongestionControl, INITIAL_WINDOW, type TcpState } from "./tcp-types.ts";

const HIGH_GAIN = 2.885;
const CWND_GAIN = 2;
const CYCLE_GAINS = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
const BANDWIDTH_ROUNDS = 10;
const MIN_RTT_MS = 10_000;
const PROBE_RTT_MS = 200;
const PROBE_RTT_CWND = 4;
const FULL_GROWTH = 1.25;
const FULL_ROUNDS = 3;
/** Pacing is that much below the bandwidth, so that a queue drains. */
const PACING_MARGIN = 0.99;
/** Aggregation: extra acknowledged segments are looked for over two windows of so many rounds. */
const EXTRA_ROUNDS = 5;

type Mode = "startup" | "drain" | "probe-bw" | "probe-rtt";

/**
 * BBR version 1, simple. Source: draft-cardwell-iccrg-bbr-congestion-control-00 and net/ipv4/tcp_bbr.c of Linux 6.
 * Left out: the long-term bandwidth of policers, and the random first phase of the gain cycle (it starts behind the 0.75).
 */
export class Bbr implements CongestionControl {
  readonly wantsPacing = true;
  readonly ownsWindow = true;
  mode: Mode = "startup";
  minRttMs = Number.POSITIVE_INFINITY;
  /** Bandwidth samples, segments per ms, with the round each was taken in; falling, so that the first is the maximum. */
  readonly #bandwidths: { round: number; rate: number }[] = [];
  #round = 0;
  #roundDelivered = 0;
  #fullBandwidth = 0;
  #fullRounds = 0;
  #isFull = false;
  #cycle = 2;
  #cycleStartMs = 0;
  #minRttAtMs = Number.NEGATIVE_INFINITY;
  #probeRttDoneMs = Number.NaN;
  #priorCwnd = 0;
  #wasRecovering = false;
  #conserves = false;
  #isRoundStart = false;
  #extraStartMs = 0;
  #extraAcked = 0;
  readonly #extraMost = [0, 0];
  #extraRounds = 0;

  get holdsBack(): boolean {
    return this.mode === "probe-rtt";
  }

  /** Segments per ms; 0 before the first sample. */
  get bandwidth(): number {
    return this.#bandwidths[0]?.rate ?? 0;
  }

  onRtt(): void {}

  onOpened(rttMs: number, nowMs: number): void {
    this.minRttMs = rttMs;
    this.#minRttAtMs = nowMs;
  }

  onLoss(state: TcpState): number {
    this.#saveCwnd(state);
    return state.ssthresh;
  }

  onTimeout(): void {
    this.#fullBandwidth = 0;
    this.#isRoundStart = true;
    this.#wasRecovering = true;
  }

  onUndo(): void {
    this.#fullBandwidth = 0;
    this.#fullRounds = 0;
  }

  onAck(state: TcpState, sample: AckSample): void {
    this.#updateBandwidth(state, sample);
    this.#updateExtraAcked(state, sample);
    this.#updateCycle(state, sample);
    this.#updateFull(sample);
    this.#updateDrain(state, sample);
    this.#updateMinRtt(state, sample);
    this.#setPacing(state);
    this.#setWindow(state, sample);
  }

  #updateBandwidth(state: TcpState, sample: AckSample): void {
    this.#isRoundStart = false;
    const rate = sample.rateDelivered / sample.rateIntervalMs;
    if (Number.isNaN(rate)) return;
    if (sample.priorDelivered >= this.#roundDelivered) {
      this.#roundDelivered = state.delivered;
      this.#round++;
      this.#isRoundStart = true;
      this.#conserves = false;
    }
    if (sample.isAppLimited && rate < this.bandwidth) return;
    const list = this.#bandwidths;
    while (list.length > 0 && (list[list.length - 1]?.rate ?? 0) <= rate) list.pop();
    list.push({ round: this.#round, rate });
    while ((list[0]?.round ?? 0) < this.#round - BANDWIDTH_ROUNDS) list.shift();
  }

  /** How far acknowledgements run ahead of the bandwidth, as they do when they come in lumps. */
  #updateExtraAcked(state: TcpState, sample: AckSample): void {
    if (this.#isRoundStart && ++this.#extraRounds >= EXTRA_ROUNDS) {
      this.#extraRounds = 0;
      this.#extraMost[1] = this.#extraMost[0] ?? 0;
      this.#extraMost[0] = 0;
    }
    const expected = this.bandwidth * (sample.nowMs - this.#extraStartMs);
    if (this.#extraAcked <= expected) {
      this.#extraAcked = 0;
      this.#extraStartMs = sample.nowMs;
    }
    this.#extraAcked += sample.delivered;
    const extra = Math.min(this.#extraAcked - this.bandwidth * (sample.nowMs - this.#extraStartMs), state.cwnd);
    this.#extraMost[0] = Math.max(this.#extraMost[0] ?? 0, Math.min(extra, this.bandwidth * 100));
  }

  #updateCycle(state: TcpState, sample: AckSample): void {
    if (this.mode !== "probe-bw") return;
    const gain = CYCLE_GAINS[this.#cycle] ?? 1;
    const isOver = sample.nowMs - this.#cycleStartMs > this.minRttMs;
    const inflight = sample.inflightBefore;
    const isDone =
      gain > 1
        ? isOver && (sample.lost > 0 || inflight >= this.#target(state, gain))
        : gain < 1
          ? isOver || inflight <= this.#target(state, 1)
          : isOver;
    if (isDone) this.#nextPhase(sample.nowMs);
  }

  #nextPhase(nowMs: number): void {
    this.#cycle = (this.#cycle + 1) % CYCLE_GAINS.length;
    this.#cycleStartMs = nowMs;
  }

  #updateFull(sample: AckSample): void {
    if (this.#isFull || !this.#isRoundStart || sample.isAppLimited) return;
    if (this.bandwidth >= this.#fullBandwidth * FULL_GROWTH) {
      this.#fullBandwidth = this.bandwidth;
      this.#fullRounds = 0;
    } else this.#isFull = ++this.#fullRounds >= FULL_ROUNDS;
  }

  #updateDrain(state: TcpState, sample: AckSample): void {
    if (this.mode === "startup" && this.#isFull) this.mode = "drain";
    if (this.mode === "drain" && state.inflight <= this.#target(state, 1)) this.#enterProbeBandwidth(sample.nowMs);
  }

  #enterProbeBandwidth(nowMs: number): void {
    this.mode = "probe-bw";
    this.#cycle = 2;
    this.#cycleStartMs = nowMs;
  }

  #updateMinRtt(state: TcpState, sample: AckSample): void {
    const { nowMs, rttMs } = sample;
    const isExpired = nowMs > this.#minRttAtMs + MIN_RTT_MS;
    if (rttMs <= this.minRttMs || (isExpired && !Number.isNaN(rttMs))) {
      this.minRttMs = rttMs;
      this.#minRttAtMs = nowMs;
    }
    if (isExpired && this.mode !== "probe-rtt" && this.#isFull) {
      this.mode = "probe-rtt";
      this.#saveCwnd(state);
      this.#probeRttDoneMs = Number.NaN;
    }
    if (this.mode === "probe-rtt") this.#probeRtt(state, nowMs);
  }

  #probeRtt(state: TcpState, nowMs: number): void {
    if (Number.isNaN(this.#probeRttDoneMs)) {
      if (state.inflight <= PROBE_RTT_CWND) this.#probeRttDoneMs = nowMs + Math.max(PROBE_RTT_MS, this.minRttMs);
      return;
    }
    if (nowMs < this.#probeRttDoneMs) return;
    this.#minRttAtMs = nowMs;
    state.cwnd = Math.max(state.cwnd, this.#priorCwnd);
    this.#enterProbeBandwidth(nowMs);
  }

  #saveCwnd(state: TcpState): void {
    const isWhole = !this.#wasRecovering && this.mode !== "probe-rtt";
    this.#priorCwnd = isWhole ? state.cwnd : Math.max(this.#priorCwnd, state.cwnd);
  }

  #setPacing(state: TcpState): void {
    const gain =
      this.mode === "startup"
        ? HIGH_GAIN
        : this.mode === "drain"
          ? 1 / HIGH_GAIN
          : this.mode === "probe-bw"
            ? (CYCLE_GAINS[this.#cycle] ?? 1)
            : 1;
    const bandwidth = this.bandwidth > 0 ? this.bandwidth : state.cwnd / Math.max(1, state.srttMs);
    const rate = bandwidth * gain * PACING_MARGIN * state.sizeBytes;
    if (this.#isFull || Number.isNaN(state.pacingBytesPerMs) || rate > state.pacingBytesPerMs)
      state.pacingBytesPerMs = rate;
  }

  #setWindow(state: TcpState, sample: AckSample): void {
    if (sample.delivered > 0 && !this.#recover(state, sample)) {
      const gain = this.mode === "startup" || this.mode === "drain" ? HIGH_GAIN : CWND_GAIN;
      const extra = this.#isFull ? Math.max(...this.#extraMost) : 0;
      const target = this.#target(state, gain) + Math.ceil(extra);
      if (this.#isFull) state.cwnd = Math.min(state.cwnd + sample.delivered, target);
      else if (state.cwnd < target || state.delivered < INITIAL_WINDOW) state.cwnd += sample.delivered;
      state.cwnd = Math.max(state.cwnd, PROBE_RTT_CWND);
    }
    if (this.mode === "probe-rtt") state.cwnd = Math.min(state.cwnd, PROBE_RTT_CWND);
  }

  /** Packet conservation for the first round of a recovery, the old window after it. @returns true when it set the window. */
  #recover(state: TcpState, sample: AckSample): boolean {
    const isRecovering = state.phase === "recovery" || state.phase === "loss";
    if (sample.lost > 0) state.cwnd = Math.max(1, state.cwnd - sample.lost);
    if (isRecovering && !this.#wasRecovering) {
      this.#conserves = true;
      this.#roundDelivered = state.delivered;
      state.cwnd = state.inflight + sample.delivered;
    } else if (!isRecovering && this.#wasRecovering) {
      this.#conserves = false;
      state.cwnd = Math.max(state.cwnd, this.#priorCwnd);
    }
    this.#wasRecovering = isRecovering;
    if (this.#conserves) state.cwnd = Math.max(state.cwnd, state.inflight + sample.delivered);
    return this.#conserves;
  }

  /** Segments for the bandwidth-delay product, with room for what is sent at once. */
  #target(state: TcpState, gain: number): number {
    if (!Number.isFinite(this.minRttMs)) return INITIAL_WINDOW;
    const burst = Math.max(2, Math.min(44, Math.floor((state.pacingBytesPerMs || 0) / state.sizeBytes)));
    const target = Math.ceil(this.bandwidth * this.minRttMs * gain) + 3 * burst;
    return target + (target & 1) + (this.mode === "probe-bw" && gain > CWND_GAIN ? 2 : 0);
  }
}
