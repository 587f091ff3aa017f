import { type FeedbackReader, MAX_PATHS } from "../wire/index.ts";
import type { AggregateEvent, AggregateSink } from "./aggregate-sink.ts";
import { type Decision, DecisionLog, type MemberFigures, type MemberSecond } from "./decision-log.ts";
import { Fates } from "./fates.ts";
import { FeedbackIntake, type FeedbackRefusal } from "./feedback-intake.ts";
import { FixedShares } from "./fixed-shares.ts";
import { type DroppedSlots, type FqCodel, QUEUE_DROP_REASONS } from "./fq-codel.ts";
import { FrameKeeper } from "./frame-keeper.ts";
import type { FrameTable } from "./frame-table.ts";
import { Member } from "./member.ts";
import type { PathController } from "./path-controller.ts";
import { Ramp } from "./ramp.ts";
import type { RedundancyBudget } from "./redundancy-budget.ts";
import { Scheduler } from "./scheduler.ts";
import { KIND_FIRST, SENT_CONTROL, SENT_FLYING } from "./sent-log.ts";
import { NOW_SUSPECT, SilenceWatch } from "./silence-watch.ts";
import { Transmitter } from "./transmitter.ts";

/** What a sender is made of. Frame table and dropped slots are shared by all senders of a forwarder. */
export interface AggregateParts {
  readonly sink: AggregateSink;
  readonly frames: FrameTable;
  readonly queue: FqCodel;
  readonly dropped: DroppedSlots;
  readonly budget: RedundancyBudget;
  createController(path: number): PathController;
  /** Most that is kept for retransmission, bytes of datagrams. */
  readonly keptLimitBytes: number;
}

/** Targets, rates and shares follow the paths this often while there is traffic. */
const CARE_MS = 100;
const SAMPLE_MS = 1_000;
/** CoDel's target: this part of the longest round trip in use, so that a TCP fills all paths. */
const TARGET_SHARE = 0.75;
const LEAST_TARGET_MS = 20;
const MOST_TARGET_MS = 120;
const INTERVALS_PER_TARGET = 4;
const MOST_TARGET_RTT_MS = 1_500;
/** A peer that has said nothing about so many frames for so long does not send feedback. */
const SILENT_PEER_MS = 3_000;
const SILENT_PEER_FRAMES = 20;
/** A path that nothing was heard of for so long is tried with copies: what is known of it may be wrong by now. */
const FORGOTTEN_MS = 500;
/** Feedback goes by the second-best path in turn, unless that is so much slower. */
const RETURN_SLACK_MS = 30;
/** What waited this long for any path at all is not sent any more. */
const STALE_MS = 1_000;
const NO_SLOT = -1;

/**
 * Makes the paths of one peer, in one direction, behave as one clean line:
 *   1. real-time frames go out at once, others wait in the queue              fq-codel.ts
 *   2. a path takes a frame when its line has room                           path-controller.ts
 *   3. on which one it is predicted to arrive first                          scheduler.ts
 *   4. feedback says what arrived                                            feedback-intake.ts
 *   5. what was lost, or is under way on a silent path, is sent again first  loss-detector.ts, silence-watch.ts
 * Nothing here allocates per frame. Owner's calls: `enqueue` for each frame of a batch, then `pump`; `onFeedback`;
 * `onControlSent`; `onTimer` at `nextDeadlineMs`. `pump` is part of the last two but one.
 */
export class AggregateSender {
  readonly #sink: AggregateSink;
  readonly #frames: FrameTable;
  readonly #queue: FqCodel;
  readonly #dropped: DroppedSlots;
  readonly #budget: RedundancyBudget;
  readonly #createController: (path: number) => PathController;
  readonly #byNumber: (Member | undefined)[] = new Array<Member | undefined>(MAX_PATHS).fill(undefined);
  readonly #members: Member[] = [];
  /** Tried with copies: suspect while others are not, or so little used that nothing is known of them any more. */
  readonly #tried: Member[] = [];
  readonly #scheduler = new Scheduler();
  readonly #keeper: FrameKeeper;
  readonly #fates: Fates;
  readonly #intake: FeedbackIntake;
  readonly #watch: SilenceWatch;
  readonly #transmitter: Transmitter;
  readonly #ramp: Ramp;
  readonly #shares = new FixedShares(MAX_PATHS);
  readonly #decisions = new DecisionLog();
  #usesShares = false;
  /** Since when frames are sent that nobody has said anything about, and how many. */
  #unansweredSinceMs = Number.NaN;
  #unansweredFrames = 0;
  #carelessSinceMs = Number.NEGATIVE_INFINITY;
  #sampledMs = Number.NEGATIVE_INFINITY;
  #noPathSinceMs = Number.NEGATIVE_INFINITY;
  #pumpWakeMs = Number.POSITIVE_INFINITY;
  #feedbackTurn = 0;

  constructor(parts: AggregateParts) {
    this.#sink = parts.sink;
    this.#frames = parts.frames;
    this.#queue = parts.queue;
    this.#dropped = parts.dropped;
    this.#budget = parts.budget;
    this.#createController = (path) => parts.createController(path);
    this.#keeper = new FrameKeeper(parts.frames, parts.sink, parts.keptLimitBytes);
    this.#fates = new Fates(this.#keeper, this.#byNumber);
    this.#intake = new FeedbackIntake(this.#byNumber, this.#fates);
    this.#watch = new SilenceWatch(this.#fates);
    this.#ramp = new Ramp(parts.sink);
    this.#transmitter = new Transmitter({
      sink: parts.sink,
      frames: parts.frames,
      keeper: this.#keeper,
      scheduler: this.#scheduler,
      budget: parts.budget,
      fates: this.#fates,
      watch: this.#watch,
    });
  }

  // ---- paths

  /** @param metered no padding, no second copies. @param speedKbps typed speed of this direction, an upper limit; null: none. */
  addPath(
    path: number,
    settings: { readonly metered: boolean; readonly speedKbps: number | null },
    nowMs: number,
  ): void {
    if (this.#byNumber[path] !== undefined) this.removePath(path, nowMs);
    const member = new Member(path, settings.metered, settings.speedKbps, this.#createController(path));
    member.usable = false;
    this.#byNumber[path] = member;
    this.#members.push(member);
  }

  removePath(path: number, nowMs: number): void {
    const member = this.#byNumber[path];
    if (member === undefined) return;
    this.#watch.giveUp(member, nowMs);
    this.#byNumber[path] = undefined;
    this.#members.splice(this.#members.indexOf(member), 1);
    this.#decisions.forget(member);
    this.#sort(nowMs);
  }

  /** What the link monitor says. A path that is not usable takes nothing, and what is under way on it is sent elsewhere. */
  setUsable(path: number, usable: boolean, nowMs: number): void {
    const member = this.#byNumber[path];
    if (member === undefined || member.usable === usable) return;
    member.usable = usable;
    member.suspectSinceMs = Number.NaN;
    if (!usable) this.#watch.giveUp(member, nowMs);
    this.#sort(nowMs);
    if (usable) this.#shares.join(member, this.#scheduler.live);
    this.pump(nowMs);
  }

  // ---- what comes in

  /** Takes the slot over. @param bytes of the datagram it becomes, IP header included. */
  enqueue(slot: number, flowSlot: number, bytes: number, isRealtime: boolean, nowMs: number): void {
    this.#frames.begin(slot, flowSlot, bytes, isRealtime, nowMs);
    if (isRealtime && !this.#usesShares) {
      this.#onSending(nowMs);
      this.#transmitter.sendRealtime(slot, this.#tried, nowMs);
      return;
    }
    this.#queue.enqueue(slot, flowSlot, bytes, nowMs);
    if (this.#dropped.count > 0) this.#releaseDropped();
  }

  /** A control datagram was sent on this path. It takes a counter and time on the line as any other. */
  onControlSent(path: number, counter: number, bytes: number, nowMs: number): void {
    const member = this.#byNumber[path];
    if (member === undefined) return;
    member.counters.controlBytes += bytes;
    const state = this.#ramp.isPadding ? SENT_FLYING : SENT_CONTROL;
    this.#transmitter.note(member, counter, NO_SLOT, KIND_FIRST, state, bytes, nowMs);
  }

  /** One feedback message of the peer. */
  onFeedback(feedback: FeedbackReader, nowMs: number): void {
    const before = this.#intake.accepted;
    this.#intake.onFeedback(feedback, nowMs);
    if (this.#intake.accepted === before) return;
    this.#unansweredSinceMs = Number.NaN;
    this.#unansweredFrames = 0;
    if (this.#usesShares) {
      this.#usesShares = false;
      this.#event({ type: "feedback-back" }, nowMs);
    }
    for (const member of this.#members) {
      this.#clearIfProven(member, nowMs);
      const found = this.#watch.checkReport(member, this.#intake.reportMs, this.#hasOther(member), nowMs);
      if (found === NOW_SUSPECT) this.#suspect(member, nowMs);
    }
    this.pump(nowMs);
  }

  /** The peer has started anew: what it received before, and its clock, count no more. */
  onPeerRestarted(nowMs: number): void {
    this.#intake.restart();
    for (const member of this.#members) {
      this.#watch.giveUp(member, nowMs);
      member.reportedBytes = Number.NaN;
      member.reportedArrivalMs = Number.NEGATIVE_INFINITY;
    }
  }

  /** The peer is gone: every slot is given back. */
  close(): void {
    this.#keeper.clear(this.#members);
    this.#queue.clear();
    this.#releaseDropped();
  }

  // ---- what goes out

  /** Sends what the gates allow: what was lost first, then the queue. */
  pump(nowMs: number): void {
    this.#scheduler.wakeMs = Number.POSITIVE_INFINITY;
    this.#ramp.wakeMs = Number.POSITIVE_INFINITY;
    if (this.#usesShares) this.#pumpShares(nowMs);
    else {
      this.#pumpAgain(nowMs);
      this.#pumpQueue(nowMs);
      if (this.#queue.packets === 0) this.#ramp.pump(this.#scheduler.live, nowMs);
    }
    this.#pumpWakeMs = Math.min(this.#scheduler.wakeMs, this.#ramp.wakeMs);
  }

  /** When onTimer wants to be called; may move with every other call. */
  get nextDeadlineMs(): number {
    let nextMs = this.#pumpWakeMs;
    for (const member of this.#members) {
      nextMs = Math.min(nextMs, member.nextDeadlineMs);
    }
    return this.#isBusy() ? Math.min(nextMs, this.#carelessSinceMs + CARE_MS) : nextMs;
  }

  onTimer(nowMs: number): void {
    for (const member of this.#members) {
      if (nowMs < member.nextDeadlineMs) continue;
      if (this.#watch.check(member, this.#hasOther(member), nowMs) === NOW_SUSPECT) this.#suspect(member, nowMs);
    }
    if (nowMs >= this.#carelessSinceMs + CARE_MS) this.#care(nowMs);
    this.pump(nowMs);
  }

  /** @returns the path for a feedback message of this end, the two best in turn; -1: none. */
  feedbackPath(nowMs: number): number {
    const scheduler = this.#scheduler;
    scheduler.pickTwo(0, nowMs);
    const { best, second } = scheduler;
    const isWorth = second !== undefined && scheduler.secondArrivalMs <= scheduler.bestArrivalMs + RETURN_SLACK_MS;
    const chosen = isWorth && (this.#feedbackTurn++ & 1) === 1 ? second : best;
    return chosen?.number ?? NO_SLOT;
  }

  // ---- what it tells

  /** What the paths in use carry together, bytes per ms: for whoever shares it out. */
  get rateBytesPerMs(): number {
    return this.#scheduler.sumRate();
  }

  figures(path: number, nowMs: number): MemberFigures | null {
    const member = this.#byNumber[path];
    return member === undefined ? null : this.#decisions.figures(member, nowMs);
  }

  /** The last minutes of one path for `wanbond why`: seconds with traffic, oldest first, and the bond's events. */
  history(path: number): { readonly seconds: readonly MemberSecond[]; readonly events: readonly Decision[] } {
    const member = this.#byNumber[path];
    return { seconds: member === undefined ? [] : this.#decisions.seconds(member), events: this.#decisions.events };
  }

  /** Of the whole: refused feedback by reason, frames that were not kept or given up, bytes kept now. */
  totals(): {
    readonly refusedFeedback: Readonly<Record<FeedbackRefusal, number>>;
    readonly outdatedFeedback: number;
    readonly unkeptFrames: number;
    readonly givenUp: Readonly<Record<"too-old" | "too-many-tries", number>>;
    readonly keptBytes: number;
    readonly usesShares: boolean;
  } {
    return {
      refusedFeedback: { ...this.#intake.refused },
      outdatedFeedback: this.#intake.outdated,
      unkeptFrames: this.#keeper.unkeptFrames,
      givenUp: { ...this.#keeper.givenUp },
      keptBytes: this.#keeper.keptBytes,
      usesShares: this.#usesShares,
    };
  }

  #pumpAgain(nowMs: number): void {
    for (let slot = this.#keeper.peek(nowMs); slot >= 0; slot = this.#keeper.peek(nowMs)) {
      const bytes = this.#frames.bytes[slot] ?? 0;
      const member = this.#scheduler.pickUrgent(bytes, this.#frames.lostPath[slot] ?? NO_SLOT, nowMs);
      if (member === undefined) return;
      this.#transmitter.sendAgain(member, slot, nowMs);
    }
  }

  #pumpQueue(nowMs: number): void {
    const queue = this.#queue;
    const sumRate = this.#scheduler.sumRate();
    for (let bytes = queue.peekBytes(); bytes > 0; bytes = queue.peekBytes()) {
      const member = this.#scheduler.pick(bytes, Scheduler.slackMs(queue.bytes, sumRate), nowMs);
      if (member === undefined) return;
      const slot = this.#dequeue(nowMs);
      if (slot < 0) return;
      this.#onSending(nowMs);
      this.#transmitter.sendFirst(member, slot, this.#tried, nowMs);
    }
  }

  #pumpShares(nowMs: number): void {
    const live = this.#scheduler.live;
    if (live.length === 0) return;
    for (let slot = this.#dequeue(nowMs); slot >= 0; slot = this.#dequeue(nowMs)) {
      this.#transmitter.sendBlindly(this.#shares.pick(live, this.#frames.bytes[slot] ?? 0), slot, nowMs);
    }
  }

  #dequeue(nowMs: number): number {
    const slot = this.#queue.dequeue(nowMs);
    if (this.#dropped.count > 0) this.#releaseDropped();
    return slot;
  }

  #releaseDropped(): void {
    const { slots, reasons, count } = this.#dropped;
    this.#dropped.count = 0;
    for (let i = 0; i < count; i++) {
      this.#transmitter.drop(slots[i] ?? 0, false, QUEUE_DROP_REASONS[reasons[i] ?? 0] ?? "queue-full");
    }
  }

  #onSending(nowMs: number): void {
    this.#unansweredFrames++;
    if (Number.isNaN(this.#unansweredSinceMs)) this.#unansweredSinceMs = nowMs;
  }

  #hasOther(member: Member): boolean {
    const { live } = this.#scheduler;
    return live.length > 1 || (live.length === 1 && live[0] !== member);
  }

  #suspect(member: Member, nowMs: number): void {
    member.suspectSinceMs = nowMs;
    member.clearedFrom = member.log.next;
    member.trialGapMs = 0;
    member.nextTrialMs = nowMs;
    member.counters.silences++;
    this.#sort(nowMs);
    const { oldestMs, limitMs, reinjectedCount } = this.#watch;
    const { srttMs, rttVarMs } = member.losses;
    this.#event(
      { type: "path-suspect", path: member.number, oldestMs, limitMs, srttMs, rttVarMs, reinjectedCount },
      nowMs,
    );
  }

  #clearIfProven(member: Member, nowMs: number): void {
    if (!member.isSuspect || member.highestAcked < member.clearedFrom) return;
    const suspectMs = nowMs - member.suspectSinceMs;
    member.suspectSinceMs = Number.NaN;
    this.#sort(nowMs);
    this.#event({ type: "path-cleared", path: member.number, suspectMs }, nowMs);
  }

  /** Who takes new frames, and who is only tried. */
  #sort(nowMs: number): void {
    const { live } = this.#scheduler;
    const hadNone = live.length === 0;
    live.length = 0;
    for (const member of this.#members) if (member.usable && !member.isSuspect) live.push(member);
    if (live.length === 0) for (const member of this.#members) if (member.usable) live.push(member);
    this.#sortTried(nowMs);
    if (live.length === 0) this.#noPathSinceMs = nowMs;
    else if (hadNone && nowMs - this.#noPathSinceMs > STALE_MS) {
      this.#queue.clear();
      this.#releaseDropped();
    }
  }

  #sortTried(nowMs: number): void {
    this.#tried.length = 0;
    for (const member of this.#members) {
      const isForgotten = nowMs - member.progressMs > FORGOTTEN_MS || member.isSuspect;
      if (member.usable && isForgotten && this.#hasOther(member)) this.#tried.push(member);
    }
  }

  #isBusy(): boolean {
    if (this.#queue.packets > 0) return true;
    for (const member of this.#members) if (member.log.flyingCount > 0) return true;
    return false;
  }

  #care(nowMs: number): void {
    this.#carelessSinceMs = nowMs;
    this.#adaptQueue();
    this.#sortTried(nowMs);
    let freeRate = 0;
    for (const { metered, controller } of this.#scheduler.live) freeRate += metered ? 0 : controller.rateBytesPerMs;
    this.#budget.setRate(freeRate, nowMs);
    this.#checkPeer(nowMs);
    if (nowMs - this.#sampledMs < SAMPLE_MS) return;
    this.#sampledMs = nowMs;
    this.#decisions.sample(this.#members, nowMs);
  }

  #adaptQueue(): void {
    let longestMs = 0;
    for (const { losses } of this.#scheduler.live) {
      if (losses.srttMs < MOST_TARGET_RTT_MS) longestMs = Math.max(longestMs, losses.srttMs);
    }
    const targetMs = Math.min(MOST_TARGET_MS, Math.max(LEAST_TARGET_MS, TARGET_SHARE * longestMs));
    this.#queue.setTarget(targetMs, INTERVALS_PER_TARGET * targetMs);
  }

  #checkPeer(nowMs: number): void {
    const waitedMs = nowMs - this.#unansweredSinceMs;
    if (this.#usesShares || !(waitedMs > SILENT_PEER_MS) || this.#unansweredFrames < SILENT_PEER_FRAMES) return;
    this.#usesShares = true;
    this.#shares.begin();
    this.#keeper.clear(this.#members);
    for (const member of this.#members) {
      this.#watch.giveUp(member, nowMs);
      member.suspectSinceMs = Number.NaN;
    }
    this.#sort(nowMs);
    this.#event({ type: "feedback-missing", sentCount: this.#unansweredFrames, waitedMs }, nowMs);
  }

  #event(event: AggregateEvent, nowMs: number): void {
    this.#decisions.onEvent(event, nowMs);
    this.#sink.event(event, nowMs);
  }
}
