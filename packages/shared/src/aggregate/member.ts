import { LossDetector } from "./loss-detector.ts";
import { emptyMark, type PathController } from "./path-controller.ts";
import { PhaseWatch } from "./phase-watch.ts";
import { SENT_CONTROL, SENT_FLYING, SentLog } from "./sent-log.ts";

/** Between the first two trials of a path that is not in use. */
export const FIRST_TRIAL_MS = 75;

/** What a member did so far. */
export interface MemberCounters {
  /** Frames sent here first, and their bytes on the wire. */
  firstFrames: number;
  firstBytes: number;
  /** Copies sent here of frames that were lost, or under way on a silent path. */
  retransmittedFrames: number;
  retransmittedBytes: number;
  /** Second copies sent here: real-time frames, and what tries a silent path. */
  duplicatedFrames: number;
  duplicatedBytes: number;
  /** Parity, out of which the far end makes what was lost, and its bytes on the wire. */
  parityFrames: number;
  parityBytes: number;
  controlBytes: number;
  /** Datagrams declared lost here, and those that came after all. */
  lost: number;
  spurious: number;
  /** Frames under way here that were sent again elsewhere because the path went silent, and those that came after all. */
  reinjected: number;
  late: number;
  /** Frames lost or late here of which another copy arrived. */
  saved: number;
  silences: number;
}

/** One path as its sender knows it. */
export class Member {
  readonly number: number;
  readonly metered: boolean;
  /** Typed speed of this direction, the weight when there is no feedback; null: not typed. */
  readonly speedKbps: number | null;
  controller: PathController;
  readonly phases: PhaseWatch;
  readonly log = new SentLog();
  readonly losses = new LossDetector();
  readonly mark = emptyMark();
  usable = false;
  /** Since when nothing was heard of what was sent; NaN: it is not suspect. */
  suspectSinceMs = Number.NaN;
  /** A suspect path is cleared when this counter, or a later one, arrives. */
  clearedFrom = 0;
  /** When it carried a frame for its own sake last, not as a second copy. */
  usedMs = Number.NEGATIVE_INFINITY;
  /** When it was tried last with a copy, and when it may be tried again. */
  triedMs = Number.NEGATIVE_INFINITY;
  nextTrialMs = Number.NEGATIVE_INFINITY;
  trialGapMs = FIRST_TRIAL_MS;
  /** Factor of the silence limit, 1 after each progress. */
  patience = 1;
  /** When anything sent here was acknowledged last. */
  progressMs = Number.NEGATIVE_INFINITY;
  highestAcked = -1;
  /** Counters below this get no more parity than has been sent. */
  mendedBelow = 0;
  /** As the peer reported them with it, without wraps: bytes received, and in the peer's clock when the last arrived. */
  reportedBytes = Number.NaN;
  firstReportedBytes = Number.NaN;
  reportedArrivalMs = Number.NEGATIVE_INFINITY;
  /** One-way delay of the newest datagram reported. */
  reportedOwdMs = Number.NaN;
  /** Times the gate was shut when a frame was waiting, and times it was open but another path was worth waiting for. */
  heldBack = 0;
  passedOver = 0;
  /** Padding sent to find what the line carries. */
  rampBytes = 0;
  readonly counters: MemberCounters = {
    firstFrames: 0,
    firstBytes: 0,
    retransmittedFrames: 0,
    retransmittedBytes: 0,
    duplicatedFrames: 0,
    duplicatedBytes: 0,
    parityFrames: 0,
    parityBytes: 0,
    controlBytes: 0,
    lost: 0,
    spurious: 0,
    reinjected: 0,
    late: 0,
    saved: 0,
    silences: 0,
  };

  constructor(number: number, metered: boolean, speedKbps: number | null, controller: PathController) {
    this.number = number;
    this.metered = metered;
    this.speedKbps = speedKbps;
    this.controller = controller;
    this.phases = new PhaseWatch(controller.phase);
    controller.setTypedLimit(speedKbps);
  }

  /** Begins anew with another controller. Nothing may be under way. */
  restart(controller: PathController): void {
    this.controller = controller;
    controller.setTypedLimit(this.speedKbps);
    this.log.restart(this.log.next);
    this.forgetReports();
  }

  get isSuspect(): boolean {
    return !Number.isNaN(this.suspectSinceMs);
  }

  /** What the peer reported is of no use any more: it counts anew, by another clock. */
  forgetReports(): void {
    this.reportedBytes = Number.NaN;
    this.firstReportedBytes = Number.NaN;
    this.reportedArrivalMs = Number.NEGATIVE_INFINITY;
  }

  /** May a frame of the queue go out here now? */
  isOpen(nowMs: number): boolean {
    return this.controller.isOpen(nowMs) && !this.log.isFull;
  }

  isOpenForUrgent(nowMs: number): boolean {
    return this.controller.isOpenForUrgent(nowMs) && !this.log.isFull;
  }

  /** Takes a datagram into the log. @param slot of its frame, -1: none. The log must have room. */
  note(counter: number, slot: number, life: number, kind: number, state: number, bytes: number, nowMs: number): void {
    this.controller.onSent(bytes, nowMs, this.mark);
    this.log.add(counter, slot, life, kind, state, bytes, nowMs, this.mark);
  }

  /** @returns when `PathTimers` has to look at this path. */
  get nextDeadlineMs(): number {
    const { log, losses } = this;
    if (log.unsettled >= log.next) return Number.POSITIVE_INFINITY;
    const at = log.index(log.unsettled);
    const state = log.states[at];
    if (state !== SENT_FLYING && state !== SENT_CONTROL) return Number.NEGATIVE_INFINITY;
    const sentMs = log.sentMs[at] ?? 0;
    if (state === SENT_CONTROL) return sentMs + this.silenceLimitMs;
    if (log.unsettled < this.highestAcked) return sentMs + losses.overtakenLimitMs;
    return Math.max(sentMs, this.progressMs) + this.silenceLimitMs;
  }

  /** It went silent and nothing came since, or something under way should have come back by now, whenever reports go out. */
  isOverdue(nowMs: number): boolean {
    if (this.patience > 1) return true;
    const { log, losses } = this;
    const oldest = log.oldestFlying();
    return oldest >= 0 && (log.sentMs[log.index(oldest)] ?? 0) + losses.srttMs + losses.variationMs <= nowMs;
  }

  /** With something under way for so long, and no progress, the path is silent. */
  get silenceLimitMs(): number {
    return this.losses.silenceLimitMs * this.patience;
  }
}
