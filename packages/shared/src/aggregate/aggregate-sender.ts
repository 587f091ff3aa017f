import { type FeedbackReader, MAX_PATHS } from "../wire/index.ts";
import type { AggregateParts, AggregateTotals } from "./aggregate-parts.ts";
import type { AggregateEvent, AggregateSink } from "./aggregate-sink.ts";
import { AnswerWatch } from "./answer-watch.ts";
import { BottleneckWatch } from "./bottleneck-watch.ts";
import { type Decision, DecisionLog, type MemberFigures, type MemberSecond } from "./decision-log.ts";
import { Fates } from "./fates.ts";
import { FeedbackIntake } from "./feedback-intake.ts";
import { FixedShares } from "./fixed-shares.ts";
import { type DroppedSlots, type FqCodel, QUEUE_DROP_REASONS } from "./fq-codel.ts";
import { FrameKeeper } from "./frame-keeper.ts";
import { FRAME_EVEN, type FrameTable } from "./frame-table.ts";
import { Member } from "./member.ts";
import { MemberSet } from "./member-set.ts";
import { adaptToPaths } from "./path-care.ts";
import type { PathController } from "./path-controller.ts";
import { PathHealth } from "./path-health.ts";
import { Ramp } from "./ramp.ts";
import type { RedundancyBudget } from "./redundancy-budget.ts";
import { Scheduler } from "./scheduler.ts";
import { KIND_FIRST, KIND_PARITY, SENT_CONTROL, SENT_FLYING } from "./sent-log.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { Transmitter } from "./transmitter.ts";

/** Queue, budget and histories follow the paths this often while there is traffic. */
const CARE_MS = 100;
const SAMPLE_MS = 1_000;
/** What waited this long for any path at all is not sent any more. */
const STALE_MS = 1_000;
/** Frames; 320 ms of 300 Mbit/s. */
const MOST_QUEUED = 8_000;
/** With less than this in the queue the paths together are not full. */
const SPARE_BACKLOG_MS = 5;
const NO_SLOT = -1;

/**
 * Makes the paths of one peer, in one direction, behave as one clean line:
 *   1. real-time frames go out at once, others wait in the queue              fq-codel.ts
 *   2. a path takes a frame when its line has room                            path-controller.ts
 *   3. the frame goes where it is predicted to arrive first                   scheduler.ts
 *   4. feedback says what arrived                                             feedback-intake.ts
 *   5. what was lost, or is under way on a silent path, is sent again first   loss-detector.ts, silence-watch.ts
 *
 * The owner calls `enqueue` for each frame of a batch, then `pump`; `onFeedback`; `onControlSent` for all else it sends on
 * these paths; `onTimer` at `nextDeadlineMs`. Nothing is allocated per frame.
 */
export class AggregateSender {
  readonly #sink: AggregateSink;
  readonly #frames: FrameTable;
  readonly #queue: FqCodel;
  readonly #dropped: DroppedSlots;
  readonly #budget: RedundancyBudget;
  readonly #bottlenecks = new BottleneckWatch();
  readonly #createController: (path: number) => PathController;
  readonly #members = new MemberSet();
  readonly #scheduler = new Scheduler(this.#members.live);
  readonly #keeper: FrameKeeper;
  readonly #intake: FeedbackIntake;
  readonly #watch: SilenceWatch;
  readonly #health: PathHealth;
  readonly #transmitter: Transmitter;
  readonly #ramp: Ramp;
  readonly #answers = new AnswerWatch();
  readonly #shares = new FixedShares(MAX_PATHS);
  readonly #decisions = new DecisionLog();
  #usesShares = false;
  #steadyPaths = 0;
  #evenPaths = 0;
  #caredMs = Number.NEGATIVE_INFINITY;
  #sampledMs = Number.NEGATIVE_INFINITY;
  #noPathSinceMs = Number.NEGATIVE_INFINITY;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(parts: AggregateParts) {
    this.#sink = parts.sink;
    this.#frames = parts.frames;
    this.#queue = parts.queue;
    this.#dropped = parts.dropped;
    this.#budget = parts.budget;
    this.#createController = (path) =>
      parts.createController(path, (owdMs, nowMs) => this.#bottlenecks.addDelay(path, owdMs, nowMs));
    this.#keeper = new FrameKeeper(parts.frames, parts.sink, parts.keptLimitBytes);
    const fates = new Fates(this.#keeper, this.#members.byNumber);
    this.#intake = new FeedbackIntake(this.#members.byNumber, fates);
    this.#watch = new SilenceWatch(fates);
    this.#health = new PathHealth(this.#members, this.#watch, parts.sink, (event, nowMs) => this.#event(event, nowMs));
    this.#ramp = new Ramp(parts.sink);
    const { sink, frames, budget } = parts;
    const [keeper, scheduler, watch] = [this.#keeper, this.#scheduler, this.#watch];
    this.#transmitter = new Transmitter({ sink, frames, keeper, scheduler, budget, fates, watch });
  }

  // ---- paths

  /** Not usable until `setUsable` says so. @param settings.metered neither padding nor second copies; speedKbps: typed limit. */
  addPath(
    path: number,
    settings: { readonly metered: boolean; readonly speedKbps: number | null },
    nowMs: number,
  ): void {
    this.removePath(path, nowMs);
    this.#members.add(new Member(path, settings.metered, settings.speedKbps, this.#createController(path)));
  }

  /** What is under way on it is sent elsewhere with the next timer, which is due now. */
  removePath(path: number, nowMs: number): void {
    const member = this.#members.byNumber[path];
    if (member === undefined) return;
    this.#watch.giveUp(member, nowMs);
    this.#members.remove(member);
    this.#decisions.forget(member);
    this.#sort(nowMs);
    this.#wakeMs = nowMs;
  }

  /** What the link monitor says. A path that is not usable takes nothing, and what is under way on it is sent elsewhere. */
  setUsable(path: number, usable: boolean, nowMs: number): void {
    const member = this.#members.byNumber[path];
    if (member === undefined || member.usable === usable) return;
    member.usable = usable;
    member.suspectSinceMs = Number.NaN;
    member.usedMs = nowMs;
    if (!usable) this.#watch.giveUp(member, nowMs);
    this.#sort(nowMs);
    if (usable) this.#shares.join(member, this.#members.live);
    this.pump(nowMs);
  }

  // ---- what comes in

  /**
   * Takes the slot over. @param bytes of the datagram it becomes, IP header included. @param isEven the far end is to give
   * its flow the delay of the slower lines.
   */
  enqueue(slot: number, flow: number, bytes: number, isRealtime: boolean, isEven: boolean, nowMs: number): void {
    this.#frames.begin(slot, flow, bytes, isRealtime, nowMs);
    if (isEven) this.#frames.set(slot, FRAME_EVEN);
    if (isRealtime && !this.#usesShares) {
      this.#answers.onSent(nowMs);
      this.#transmitter.sendRealtime(slot, this.#members.tried, nowMs);
      return;
    }
    this.#queue.enqueue(slot, flow, bytes, nowMs);
    this.#releaseDropped();
  }

  /** @param slots that may hold frames of this peer: so many in the queue, and so many kept after they were sent. */
  setRoom(slots: number): void {
    this.#queue.packetLimit = Math.min(MOST_QUEUED, slots);
    this.#keeper.frameLimit = slots;
  }

  /** Others need room: a frame of the queue is dropped. */
  shed(): void {
    this.#queue.dropFromFattest();
    this.#releaseDropped();
  }

  /** A control datagram was sent on this path. It takes a counter and time on the line as any other. */
  onControlSent(path: number, counter: number, bytes: number, nowMs: number): void {
    const member = this.#members.byNumber[path];
    if (member === undefined) return;
    member.counters.controlBytes += bytes;
    const state = this.#ramp.isPadding ? SENT_FLYING : SENT_CONTROL;
    this.#transmitter.note(member, counter, NO_SLOT, KIND_FIRST, state, bytes, nowMs);
  }

  /** Parity went out on this path. @param delayMs how long a group of it takes to fill. */
  onParitySent(path: number, counter: number, bytes: number, delayMs: number, nowMs: number): void {
    const member = this.#members.byNumber[path];
    if (member === undefined) return;
    member.counters.parityFrames++;
    member.counters.parityBytes += bytes;
    member.losses.parityMs = delayMs;
    this.#transmitter.note(member, counter, NO_SLOT, KIND_PARITY, SENT_CONTROL, bytes, nowMs);
  }

  /** What was sent on this path before this counter has all the parity that it gets. */
  onParityForgone(path: number, counter: number): void {
    const member = this.#members.byNumber[path];
    if (member !== undefined) member.mendedBelow = counter;
  }

  /** How long after a datagram of this path was sent it is sent again, should it be lost: about. */
  repeatedAfterMs(path: number): number {
    const losses = this.#members.byNumber[path]?.losses;
    return losses === undefined ? Number.POSITIVE_INFINITY : losses.srttMs + losses.reorderMs;
  }

  /** No parity goes out on this path any more. */
  onParityEnd(path: number): void {
    const member = this.#members.byNumber[path];
    if (member !== undefined) member.losses.parityMs = 0;
  }

  /** One feedback message of the peer. */
  onFeedback(feedback: FeedbackReader, nowMs: number): void {
    if (!this.#intake.onFeedback(feedback, nowMs)) return;
    this.#answers.onAnswer();
    if (this.#usesShares) this.#turnFromShares(nowMs);
    for (const member of this.#members.all) this.#health.onReport(member, this.#intake.reportMs, nowMs);
    this.pump(nowMs);
  }

  /** Masks of the paths whose delay the far end makes frames have: all frames, and those of even flows. */
  onHeld(steadyPaths: number, evenPaths: number): void {
    this.#steadyPaths = steadyPaths;
    this.#evenPaths = evenPaths;
  }

  /** The peer is gone: every slot is given back. */
  close(): void {
    this.#keeper.clear(this.#members.all);
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
      if (this.#queue.packets === 0) this.#ramp.pump(this.#members.live, nowMs);
    }
    this.#wakeMs = Math.min(this.#scheduler.wakeMs, this.#ramp.wakeMs);
  }

  /** When onTimer wants to be called; may move with every other call. */
  get nextDeadlineMs(): number {
    let nextMs = this.#wakeMs;
    let isBusy = this.#queue.packets > 0;
    for (const member of this.#members.all) {
      nextMs = Math.min(nextMs, member.nextDeadlineMs);
      if (member.log.flyingCount > 0) isBusy = true;
    }
    return isBusy ? Math.min(nextMs, this.#caredMs + CARE_MS) : nextMs;
  }

  onTimer(nowMs: number): void {
    for (const member of this.#members.all) this.#health.onTimer(member, nowMs);
    if (nowMs >= this.#caredMs + CARE_MS) this.#care(nowMs);
    this.pump(nowMs);
  }

  // ---- what it tells

  /** Mask of the paths that went silent and are not known to be well again. */
  get suspects(): number {
    let mask = 0;
    for (const member of this.#members.all) if (member.isSuspect) mask |= 1 << member.number;
    return mask;
  }

  /** The rate of the live path with the least delay, and by how much the slowest is behind it. */
  get soonest(): { readonly bytesPerMs: number; readonly behindMs: number } {
    return this.#scheduler.soonest();
  }

  /** What the live paths carry together. */
  get rateBytesPerMs(): number {
    return this.#scheduler.sumRate();
  }

  figures(path: number, nowMs: number): MemberFigures | null {
    const member = this.#members.byNumber[path];
    return member === undefined ? null : this.#decisions.figures(member, nowMs);
  }

  /** The last minutes for `wanbond why`, oldest first: seconds with traffic of one path, events of all. */
  history(path: number): { readonly seconds: readonly MemberSecond[]; readonly events: readonly Decision[] } {
    const member = this.#members.byNumber[path];
    return { seconds: member === undefined ? [] : this.#decisions.seconds(member), events: this.#decisions.events };
  }

  totals(): AggregateTotals {
    return {
      refusedFeedback: { ...this.#intake.refused },
      outdatedFeedback: this.#intake.outdated,
      unkeptFrames: this.#keeper.unkeptFrames,
      givenUp: { ...this.#keeper.givenUp },
      keptBytes: this.#keeper.keptBytes,
      usesFixedShares: this.#usesShares,
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
    this.#scheduler.begin();
    const spareBytes = SPARE_BACKLOG_MS * this.#scheduler.sumRate();
    for (let next = queue.peek(); next >= 0; next = queue.peek()) {
      const bytes = this.#frames.bytes[next] ?? 0;
      const heldPaths = this.#frames.has(next, FRAME_EVEN) ? this.#evenPaths : this.#steadyPaths;
      const member = this.#scheduler.pick(bytes, queue.bytes, heldPaths, nowMs);
      if (member === undefined) return;
      const slot = this.#dequeue(nowMs);
      if (slot < 0) return;
      this.#answers.onSent(nowMs);
      const isSpare = queue.bytes < spareBytes;
      this.#transmitter.sendFirst(member, slot, this.#members.tried, isSpare, nowMs);
    }
  }

  #pumpShares(nowMs: number): void {
    const { live } = this.#members;
    if (live.length === 0) return;
    for (let slot = this.#dequeue(nowMs); slot >= 0; slot = this.#dequeue(nowMs)) {
      this.#transmitter.sendBlindly(this.#shares.pick(live, this.#frames.bytes[slot] ?? 0), slot, nowMs);
    }
  }

  #dequeue(nowMs: number): number {
    const slot = this.#queue.dequeue(nowMs);
    this.#releaseDropped();
    return slot;
  }

  #releaseDropped(): void {
    const dropped = this.#dropped;
    for (let i = 0; i < dropped.count; i++) {
      const reason = QUEUE_DROP_REASONS[dropped.reasons[i] ?? 0] ?? "queue-full";
      this.#transmitter.drop(dropped.slots[i] ?? 0, false, reason);
    }
    dropped.count = 0;
  }

  #sort(nowMs: number): void {
    const { live } = this.#members;
    const hadNone = live.length === 0;
    this.#members.sort(nowMs);
    if (live.length === 0) {
      if (!hadNone) this.#noPathSinceMs = nowMs;
    } else if (hadNone && nowMs - this.#noPathSinceMs > STALE_MS) {
      this.#queue.clear();
      this.#releaseDropped();
    }
  }

  #care(nowMs: number): void {
    this.#caredMs = nowMs;
    this.#members.sortTried(nowMs);
    adaptToPaths(this.#members.live, this.#queue, this.#budget, nowMs);
    if (!this.#usesShares && this.#answers.isSilent(nowMs)) this.#turnToShares(nowMs);
    for (const { number, controller, phases } of this.#members.all) {
      const change = phases.look(number, controller, nowMs);
      if (change !== null) this.#event(change, nowMs);
    }
    if (nowMs - this.#sampledMs < SAMPLE_MS) return;
    this.#sampledMs = nowMs;
    this.#decisions.sample(this.#members.all, nowMs);
    if (!this.#bottlenecks.check(this.#members.all, nowMs)) return;
    const { shared: paths, correlationRatio } = this.#bottlenecks;
    this.#event({ type: "shared-bottleneck", paths, correlationRatio }, nowMs);
  }

  #turnToShares(nowMs: number): void {
    this.#usesShares = true;
    this.#shares.begin();
    this.#keeper.clear(this.#members.all);
    for (const member of this.#members.all) {
      this.#watch.giveUp(member, nowMs);
      member.suspectSinceMs = Number.NaN;
      // Feedback that was refused for its counts is measured anew.
      member.forgetReports();
    }
    this.#sort(nowMs);
    const waitedMs = this.#answers.waitedMs(nowMs);
    this.#event({ type: "feedback-missing", sentCount: this.#answers.frames, waitedMs }, nowMs);
  }

  /** What the controllers made of traffic that heeded no gate is worth nothing. */
  #turnFromShares(nowMs: number): void {
    this.#usesShares = false;
    for (const member of this.#members.all) {
      this.#watch.giveUp(member, nowMs);
      member.restart(this.#createController(member.number));
    }
    this.#event({ type: "feedback-back" }, nowMs);
  }

  #event(event: AggregateEvent, nowMs: number): void {
    this.#decisions.onEvent(event, nowMs);
    this.#sink.event(event, nowMs);
  }
}
