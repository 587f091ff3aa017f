import type { AggregateSink, FrameDrop, TransmitKind } from "./aggregate-sink.ts";
import type { Fates } from "./fates.ts";
import type { FrameKeeper } from "./frame-keeper.ts";
import { FRAME_TWICE, type FrameTable } from "./frame-table.ts";
import { FIRST_TRIAL_MS, type Member } from "./member.ts";
import type { RedundancyBudget } from "./redundancy-budget.ts";
import type { Scheduler } from "./scheduler.ts";
import { KIND_DUPLICATE, KIND_FIRST, KIND_RETRANSMISSION, SENT_CONTROL, SENT_FLYING } from "./sent-log.ts";
import type { SilenceWatch } from "./silence-watch.ts";

const NO_SLOT = -1;
/** A second copy that comes so much later than the first helps nobody. */
const WORTHLESS_MS = 250;
/** Paths are tried with copies, at intervals that double until one is answered. */
const MOST_TRIAL_MS = 400;
/** So much rarer on metered paths. */
const METERED_TRIALS = 4;
/** A suspicion younger than this may be an error: where a single path is left, a call goes over the suspect as well. */
const FRESH_SUSPICION_MS = 500;
/** A path that loses more is worth second copies while there is room. */
const RISKY_RATIO = 0.001;

/** Puts frames on paths and takes them into the logs: the first time, again, and twice. */
export class Transmitter {
  readonly #sink: AggregateSink;
  readonly #frames: FrameTable;
  readonly #keeper: FrameKeeper;
  readonly #scheduler: Scheduler;
  readonly #budget: RedundancyBudget;
  readonly #fates: Fates;
  readonly #watch: SilenceWatch;

  constructor(parts: {
    sink: AggregateSink;
    frames: FrameTable;
    keeper: FrameKeeper;
    scheduler: Scheduler;
    budget: RedundancyBudget;
    fates: Fates;
    watch: SilenceWatch;
  }) {
    this.#sink = parts.sink;
    this.#frames = parts.frames;
    this.#keeper = parts.keeper;
    this.#scheduler = parts.scheduler;
    this.#budget = parts.budget;
    this.#fates = parts.fates;
    this.#watch = parts.watch;
  }

  /** A frame of the queue. @param tried paths that get a copy now and then. @param isSpare nothing else waits. */
  sendFirst(member: Member, slot: number, tried: readonly Member[], isSpare: boolean, nowMs: number): void {
    const isKept = this.#keeper.keep(slot);
    if (!this.#transmit(member, slot, "first", KIND_FIRST, isKept, nowMs)) {
      this.drop(slot, isKept, "no-path");
      return;
    }
    const second = isSpare && isKept && this.#isRisky(member) ? this.#sendSpare(member, slot, nowMs) : undefined;
    this.#tryOthers(tried, member, second, slot, isKept, nowMs);
    if (!isKept) this.drop(slot, false, null);
  }

  #isRisky(member: Member): boolean {
    return member.losses.lossRatio > RISKY_RATIO;
  }

  /**
   * While the lines are not full a second copy is free, and spares all that follows the wait for a lost frame. It matters
   * most where a TCP begins: it takes that wait for a full line, and grows no further for seconds.
   */
  #sendSpare(first: Member, slot: number, nowMs: number): Member | undefined {
    const bytes = this.#frames.bytes[slot] ?? 0;
    const member = this.#scheduler.pickSpare(bytes, first, nowMs);
    if (member === undefined || !this.#budget.admitsSpare(bytes, nowMs)) return undefined;
    if (!this.#transmit(member, slot, "duplicate", KIND_DUPLICATE, true, nowMs)) return undefined;
    this.#frames.set(slot, FRAME_TWICE);
    return member;
  }

  /** A real-time frame: at once, whatever the gates, on the two best paths, or three, if the budget allows. */
  sendRealtime(slot: number, tried: readonly Member[], nowMs: number): void {
    const bytes = this.#frames.bytes[slot] ?? 0;
    const scheduler = this.#scheduler;
    scheduler.pickTwo(bytes, nowMs);
    const { best } = scheduler;
    if (best === undefined) {
      this.drop(slot, false, "no-path");
      return;
    }
    const third = scheduler.pickThird(bytes, nowMs);
    const isBestAlone = scheduler.second === undefined;
    const second = isBestAlone ? this.#freshSuspect(tried, nowMs) : scheduler.second;
    const isSoon = isBestAlone || scheduler.secondArrivalMs - scheduler.bestArrivalMs < WORTHLESS_MS;
    const isKept = this.#keeper.keep(slot);
    if (!this.#transmit(best, slot, "first", KIND_FIRST, isKept, nowMs)) {
      this.drop(slot, isKept, "no-path");
      return;
    }
    if (second !== undefined && isSoon) {
      const queueMs = second.controller.queueMs(nowMs);
      if (this.#budget.admits(bytes, queueMs, nowMs)) {
        this.#transmit(second, slot, "duplicate", KIND_DUPLICATE, isKept, nowMs);
      }
    }
    const isThrice = third !== undefined && this.#budget.admitsSpare(bytes, nowMs);
    if (isThrice) this.#transmit(third, slot, "duplicate", KIND_DUPLICATE, isKept, nowMs);
    this.#tryOthers(tried, best, second, slot, isKept, nowMs);
    if (!isKept) this.drop(slot, false, null);
  }

  /** The first frame that waits to be sent again has been given this path. */
  sendAgain(member: Member, slot: number, nowMs: number): void {
    this.#keeper.take();
    const isSent = this.#transmit(member, slot, "retransmission", KIND_RETRANSMISSION, true, nowMs);
    // Only now: an older copy here may be given up to make room for this one, and must not end the frame's life meanwhile.
    this.#frames.tries[slot] = (this.#frames.tries[slot] ?? 0) + 1;
    if (!isSent && this.#frames.copies[slot] === 0) this.drop(slot, true, "no-path");
  }

  /** Without feedback nothing is kept, and nothing is waited for. */
  sendBlindly(member: Member | undefined, slot: number, nowMs: number): void {
    const counter = member === undefined ? -1 : this.#sink.transmit(slot, member.number, "first", nowMs);
    if (member === undefined || counter < 0) {
      this.drop(slot, false, "no-path");
      return;
    }
    const bytes = this.#frames.bytes[slot] ?? 0;
    this.note(member, counter, NO_SLOT, KIND_FIRST, SENT_CONTROL, bytes, nowMs);
    count(member, KIND_FIRST, bytes);
    this.drop(slot, false, null);
  }

  /** @param state SENT_FLYING if its arrival will be reported. */
  note(member: Member, counter: number, slot: number, kind: number, state: number, bytes: number, nowMs: number): void {
    const { log } = member;
    if (log.isFull) this.#makeRoom(member, nowMs);
    if (!log.continues(counter)) {
      this.#watch.giveUp(member, nowMs);
      log.restart(counter);
    }
    const life = slot === NO_SLOT ? 0 : (this.#frames.lives[slot] ?? 0);
    member.note(counter, slot, life, kind, state, bytes, nowMs);
  }

  drop(slot: number, isKept: boolean, reason: FrameDrop | null): void {
    if (isKept) {
      this.#keeper.discard(slot, reason);
      return;
    }
    this.#frames.end(slot);
    this.#sink.release(slot, reason);
  }

  #transmit(member: Member, slot: number, what: TransmitKind, kind: number, isKept: boolean, nowMs: number): boolean {
    const counter = this.#sink.transmit(slot, member.number, what, nowMs);
    if (counter < 0) return false;
    const bytes = this.#frames.bytes[slot] ?? 0;
    this.note(member, counter, isKept ? slot : NO_SLOT, kind, SENT_FLYING, bytes, nowMs);
    if (isKept) this.#keeper.onCopySent(slot);
    count(member, kind, bytes);
    if (kind !== KIND_DUPLICATE) member.usedMs = nowMs;
    return true;
  }

  /** @returns of the paths that went silent just now, but for metered ones, the one on which something came in last. */
  #freshSuspect(tried: readonly Member[], nowMs: number): Member | undefined {
    let fresh: Member | undefined;
    let heardMs = Number.NEGATIVE_INFINITY;
    for (const member of tried) {
      if (member.metered || !(nowMs - member.suspectSinceMs < FRESH_SUSPICION_MS)) continue;
      const memberHeardMs = this.#sink.heardMs(member.number);
      if (fresh !== undefined && !(memberHeardMs > heardMs)) continue;
      fresh = member;
      heardMs = memberHeardMs;
    }
    return fresh;
  }

  /** Copies for paths to be tried, but for those that have the frame already. */
  #tryOthers(
    tried: readonly Member[],
    first: Member,
    second: Member | undefined,
    slot: number,
    isKept: boolean,
    nowMs: number,
  ): void {
    for (const member of tried) {
      if (member === first || member === second || nowMs < member.nextTrialMs) continue;
      const isAnswered = member.progressMs > member.triedMs;
      member.trialGapMs = isAnswered ? FIRST_TRIAL_MS : Math.min(MOST_TRIAL_MS, 2 * member.trialGapMs);
      member.triedMs = nowMs;
      member.nextTrialMs = nowMs + member.trialGapMs * (member.metered ? METERED_TRIALS : 1);
      this.#transmit(member, slot, "duplicate", KIND_DUPLICATE, isKept, nowMs);
    }
  }

  /** What is under way has outgrown the log: the oldest count as lost. */
  #makeRoom(member: Member, nowMs: number): void {
    const { log } = member;
    while (log.isFull) {
      const at = log.index(log.unsettled);
      if (log.states[at] === SENT_FLYING || log.states[at] === SENT_CONTROL) this.#fates.lost(member, at, nowMs);
      log.advance();
    }
  }
}

function count(member: Member, kind: number, bytes: number): void {
  const { counters } = member;
  if (kind === KIND_FIRST) {
    counters.firstFrames++;
    counters.firstBytes += bytes;
  } else if (kind === KIND_RETRANSMISSION) {
    counters.retransmittedFrames++;
    counters.retransmittedBytes += bytes;
  } else {
    counters.duplicatedFrames++;
    counters.duplicatedBytes += bytes;
  }
}
