import { FLOW_SLOTS } from "../wire/index.ts";
import { type DuplicateFilter, NEW } from "./duplicate-filter.ts";
import { FlowCarriers } from "./flow-carriers.ts";
import type { HeldDelay } from "./held-delay.ts";
import { HeldNotice } from "./held-notice.ts";
import { LineSteadiness } from "./line-steadiness.ts";
import { OrderBuffer } from "./order-buffer.ts";
import { PathDelays } from "./path-delays.ts";
import type { SlotVector } from "./slot-vector.ts";
import { LONGEST_WAIT_MS, SteadyRelease } from "./steady-release.ts";

export interface ResequencerConfig {
  /** No frame is held longer, and a path that is later than this behind the fastest is not waited for. */
  readonly maxHoldMs: number;
  /** Of all flow slots together, whether they wait for a missing frame or for their time. */
  readonly maxHeldFrames: number;
}

/** A flow slot that is younger than this, and than the hold, may not have shown all of its paths yet. */
const NEW_FLOW_MS = 250;

/**
 * Restores the order in which the far end took frames from its TAP, per flow slot.
 *
 * A frame in order passes straight through. One that came early is held until the missing frames arrive, or
 *   - are known to be lost: every live path that may carry this flow slot has delivered something sent later (RFC 1990
 *     section 4.1, per flow slot, with send times beside sequences, so that one flow's frames tell about another's; a
 *     path that reorders gets a learned allowance), or
 *   - are overdue: the learned skew between the paths is over, counted from the first frame behind the hole.
 * What arrives after that is delivered late rather than dropped. Nothing is held where nothing is missing.
 *
 * Slots pushed in belong to the resequencer until they stand in the output. onTimer() after each batch of pushes decides
 * about holes; it is one comparison when there is none.
 */
export class Resequencer {
  /**
   * How long a frame that was lost may take to come again, on top of the skew; 0: the sender does not send again. As long as
   * it does, a frame that every path has passed is not given up; and where many were lost at once, as with a line that died,
   * those that come again one after the other each give the next one that time.
   */
  repairMs = 0;
  /** When the sender is to be told of steadyPaths and evenPaths. */
  readonly heldNotice = new HeldNotice(this);
  /** Missing frames that were given up: all paths had passed them, or their time was over. */
  readonly skipped = { lost: 0, overdue: 0 };
  readonly #maxHoldMs: number;
  readonly #maxHeldFrames: number;
  readonly #duplicates: DuplicateFilter;
  readonly #buffer: OrderBuffer;
  readonly #delays: PathDelays;
  readonly #carriers: FlowCarriers;
  readonly #steadiness: LineSteadiness;
  readonly #steady: SteadyRelease;
  /** By flow slot: its last frame was one of an even flow. */
  readonly #isEven = new Uint8Array(FLOW_SLOTS);
  /** By flow slot: when a frame came again that is the missing one, or one before it: its turn comes next. */
  readonly #repairedMs = new Float64Array(FLOW_SLOTS).fill(Number.NEGATIVE_INFINITY);
  /** Frames whose turn it is; empty between calls. */
  readonly #turn: SlotVector;
  /** When holes have to be judged. Infinity while nothing is held. */
  #decideMs = Number.POSITIVE_INFINITY;
  #live = 0;
  /** Paths that became live lately, and may have something under way that shows nowhere yet. */
  #joining = 0;
  /** Infinity until there is traffic that can show them. */
  #joiningUntilMs = Number.POSITIVE_INFINITY;

  /** @param output where frames go that are due; several resequencers may share one. */
  constructor(config: ResequencerConfig, duplicates: DuplicateFilter, output: SlotVector) {
    this.#maxHoldMs = config.maxHoldMs;
    this.#maxHeldFrames = config.maxHeldFrames;
    this.#duplicates = duplicates;
    this.#turn = { slots: new Int32Array(output.slots.length), count: 0 };
    this.#buffer = new OrderBuffer(this.#turn);
    this.#steady = new SteadyRelease(output);
    this.#delays = new PathDelays(config.maxHoldMs);
    this.#steadiness = new LineSteadiness(Math.min(config.maxHoldMs, LONGEST_WAIT_MS));
    this.#carriers = new FlowCarriers(this.#delays.recentMs);
  }

  /** When onTimer wants to be called. Infinity while nothing is held. */
  get nextDeadlineMs(): number {
    return Math.min(this.#decideMs, this.#steady.nextDeadlineMs);
  }

  get counters(): OrderBuffer["counters"] {
    return this.#buffer.counters;
  }

  /** Frames held now: for want of an earlier one, or until it is their time. */
  get heldFrames(): number {
    return this.#buffer.heldFrames + this.#steady.waiting;
  }

  /** Between the fastest and the slowest live path that is waited for; as of the last hole. */
  get skewMs(): number {
    return this.#delays.skewMs;
  }

  /** How long a missing frame is waited for; as of the last hole. */
  get holdMs(): number {
    return this.#delays.holdMs;
  }

  /** Masks of the paths whose frames come in time for the delay that all frames take, and those of even flows. */
  get steadyPaths(): number {
    return this.#steadiness.steady.paths;
  }

  get evenPaths(): number {
    return this.#steadiness.even.paths;
  }

  /** For every frame of the peer, in an order or not, that was sent once: it tells how the delay of its path varies. */
  onDelay(path: number, sentAt: number, nowMs: number): void {
    this.#steadiness.onArrival(path, sentAt, nowMs);
  }

  /** The line brought padding, or parity: that shows what it carries, too. */
  onPadding(path: number, nowMs: number): void {
    this.#steadiness.onCarried(path, nowMs);
  }

  /**
   * @param sentAt send time of the datagram, u24 in units of 4 us. @param isAgain it was sent again: late already.
   * @param isEven its flow has the delay of the slower lines, too.
   * @returns false for a frame that came before (the filter has counted it): its slot stays the caller's.
   */
  push(
    slot: number,
    flowSlot: number,
    sequence: number,
    path: number,
    sentAt: number,
    nowMs: number,
    isAgain = false,
    isEven = false,
  ): boolean {
    this.#steady.onTimer(nowMs);
    if (this.#joiningUntilMs === Number.POSITIVE_INFINITY) this.#joiningUntilMs = nowMs + this.#maxHoldMs;
    this.#delays.onArrival(path, sentAt, nowMs);
    this.#carriers.onArrival(flowSlot, sequence, path, nowMs);
    this.#isEven[flowSlot] = isEven ? 1 : 0;
    if (isAgain && this.#buffer.isMissingOrBefore(flowSlot, sequence)) this.#repairedMs[flowSlot] = nowMs;
    const isNew = this.#duplicates.accept(flowSlot, sequence) === NEW;
    if (isNew) {
      const { even, steady } = this.#steadiness;
      const waitMs = isAgain ? 0 : this.#waitMs(isEven ? even : steady, sentAt, nowMs);
      if (waitMs > 0) this.#steady.note(slot, flowSlot, nowMs + waitMs);
      else this.#steady.note(slot, flowSlot, nowMs);
      this.#buffer.push(slot, flowSlot, sequence, sentAt, nowMs);
      this.#handOn(nowMs);
      this.holdAtMost(this.#maxHeldFrames, nowMs);
    }
    // Any arrival may show that a frame of any flow slot is lost.
    if (this.#buffer.heldFrames > 0) this.#decideMs = nowMs;
    return isNew;
  }

  /**
   * For a frame that waits for none before it, but takes the time that the soonest line takes mostly, so as not to tell its
   * receiver more of a wavering delay than there is. Parameters as of push().
   */
  pace(slot: number, flowSlot: number, sentAt: number, nowMs: number, isAgain: boolean): void {
    this.#steady.onTimer(nowMs);
    this.#steady.note(slot, flowSlot, nowMs + (isAgain ? 0 : this.#waitMs(this.#steadiness.paced, sentAt, nowMs)));
    this.#steady.push(slot, nowMs);
    this.holdAtMost(this.#maxHeldFrames, nowMs);
  }

  /**
   * For a frame that was sent without an order to keep, as while a bond has one member.
   * @returns whether it may be handed on at once; where others are held it is to be pushed, so as not to overtake them.
   */
  passes(flowSlot: number, sequence: number): boolean {
    if (this.#buffer.isHolding(flowSlot) || this.#steady.waiting > 0) return false;
    this.#buffer.onPassed(flowSlot, sequence);
    return true;
  }

  /** Gives up frames that are lost or overdue and hands on what waited for them. Early or repeated calls do no harm. */
  onTimer(nowMs: number): void {
    this.#steady.onTimer(nowMs);
    if (nowMs < this.#decideMs) return;
    this.#decide(nowMs);
    this.#handOn(nowMs);
  }

  /**
   * For want of room: hands frames on before their time until so many are held at most. First those whose turn it is, as that
   * costs no order, then those behind the oldest holes.
   */
  holdAtMost(frames: number, nowMs: number): void {
    while (this.heldFrames > frames) {
      if (this.#steady.waiting > 0) this.#steady.releaseFirst();
      else {
        this.#buffer.giveUpOldest();
        this.#handOn(nowMs);
      }
    }
  }

  #decide(nowMs: number): void {
    if (nowMs >= this.#joiningUntilMs) this.#joining = 0;
    this.#delays.judge(this.#live);
    const buffer = this.#buffer;
    let nextMs = Number.POSITIVE_INFINITY;
    for (let i = buffer.holdingCount - 1; i >= 0; i--) {
      nextMs = Math.min(nextMs, this.#settle(buffer.holding[i] ?? 0, nowMs));
    }
    this.#decideMs = nextMs;
  }

  /**
   * Tells which paths may deliver: none before the first call, and only these are waited for. A path that left is not
   * waited for any more; one that came is for maxHoldMs of traffic, though it has not delivered anything yet.
   */
  setLivePaths(mask: number, nowMs: number): void {
    if (mask === this.#live) return;
    const joined = mask & ~this.#live;
    this.#joining = (this.#joining | joined) & mask;
    if (joined !== 0) this.#joiningUntilMs = Number.POSITIVE_INFINITY;
    this.#live = mask;
    this.#steadiness.setLive(mask);
    if (this.#buffer.heldFrames > 0) this.#decideMs = nowMs;
  }

  /** The sender numbers anew: everything held goes to the output; all is forgotten but the live paths, which join. */
  reset(): void {
    this.#buffer.reset();
    this.#steady.flush();
    this.#handOn(Number.POSITIVE_INFINITY);
    this.#steadiness.reset();
    this.#carriers.reset();
    this.#delays.reset();
    this.#repairedMs.fill(Number.NEGATIVE_INFINITY);
    this.#joining = this.#live;
    this.#joiningUntilMs = Number.POSITIVE_INFINITY;
    this.#decideMs = Number.POSITIVE_INFINITY;
  }

  /** Frames are made to take the same time only where there is an order to restore: a single path keeps it by itself. */
  #waitMs(held: HeldDelay, sentAt: number, nowMs: number): number {
    return (this.#live & (this.#live - 1)) === 0 ? 0 : this.#steadiness.waitMs(held, sentAt, nowMs);
  }

  /** The sender may use all paths whose delay frames are made to have, at any moment: also one that was not used of late. */
  #spanMs(flowSlot: number): number {
    const { even, steady } = this.#steadiness;
    return (this.#isEven[flowSlot] === 1 ? even : steady).spanMs;
  }

  #handOn(nowMs: number): void {
    const turn = this.#turn;
    for (let i = 0; i < turn.count; i++) this.#steady.push(turn.slots[i] ?? 0, nowMs);
    turn.count = 0;
  }

  /** Gives up what is due in a flow slot. @returns when to look again. */
  #settle(flowSlot: number, nowMs: number): number {
    const buffer = this.#buffer;
    const unmeasured = this.#joining & ~this.#delays.used;
    // The first frames of a path say little about how its delay varies.
    const holdMs = this.#joining === 0 ? Math.max(this.#delays.holdMs, this.#spanMs(flowSlot)) : this.#maxHoldMs;
    const settlingMs = Math.max(unmeasured === 0 ? this.#delays.holdMs : this.#maxHoldMs, NEW_FLOW_MS);
    const paths = this.#mayCarry(flowSlot, unmeasured, nowMs - settlingMs);
    while (buffer.isHolding(flowSlot)) {
      const lostMs = this.#lostAtMs(flowSlot, paths);
      const sinceMs = Math.max(buffer.missingSinceMs(flowSlot), this.#repairedMs[flowSlot] ?? 0);
      const dueMs = sinceMs + holdMs + this.repairMs;
      if (this.repairMs === 0 && lostMs <= nowMs) this.skipped.lost++;
      else if (dueMs <= nowMs) this.skipped.overdue++;
      else return this.repairMs === 0 ? Math.min(lostMs, dueMs) : dueMs;
      buffer.skip(flowSlot);
    }
    return Number.POSITIVE_INFINITY;
  }

  /**
   * Paths that a missing frame of this flow slot may still come on. A flow that came over one path alone since
   * `settledMs` comes over that one; a newer one, and one that is spread over several, may come over any path in use.
   */
  #mayCarry(flowSlot: number, unmeasured: number, settledMs: number): number {
    const carriers = this.#carriers.carriers(flowSlot);
    const single = (carriers & (carriers - 1)) === 0;
    const worthWaiting = this.#delays.worthWaiting;
    if (single && this.#carriers.activeSinceMs(flowSlot) <= settledMs) return carriers & worthWaiting;
    return worthWaiting | unmeasured;
  }

  /** When every path of a set has passed the missing frame, allowances for reordering included; Infinity: not yet. */
  #lostAtMs(flowSlot: number, paths: number): number {
    const missing = this.#buffer.missing(flowSlot);
    const sentBehind = this.#buffer.sentBehind(flowSlot);
    let lostMs = Number.NEGATIVE_INFINITY;
    for (let rest = paths; rest !== 0; rest &= rest - 1) {
      const path = 31 - Math.clz32(rest & -rest);
      const passed = this.#carriers.hasPassed(flowSlot, missing, path);
      lostMs = Math.max(lostMs, this.#delays.passedAtMs(path, sentBehind, passed));
    }
    return lostMs;
  }
}
