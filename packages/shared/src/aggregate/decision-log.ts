import type { AggregateEvent } from "./aggregate-sink.ts";
import type { Member, MemberCounters } from "./member.ts";
import type { ControllerFigures } from "./path-controller.ts";

/** What a member is to the scheduler. */
type MemberState = "in-use" | "suspect" | "unusable";

/** One member at present. Ratios are of the last second with traffic; unknown is null. */
export interface MemberFigures extends ControllerFigures {
  readonly state: MemberState;
  readonly srttMs: number | null;
  readonly rttVarMs: number | null;
  /** How much later than expected a datagram may come before it counts as lost. */
  readonly reorderMs: number;
  /** Of the first copies of all members. */
  readonly shareRatio: number;
  readonly counters: Readonly<MemberCounters>;
}

/** One second of a member: where it stood at its end, and what happened in it. */
export interface MemberSecond {
  readonly atMs: number;
  readonly state: MemberState;
  readonly rateKbps: number;
  readonly windowBytes: number;
  readonly inflightBytes: number;
  readonly queueMs: number;
  readonly srttMs: number | null;
  readonly shareRatio: number;
  readonly firstFrames: number;
  readonly retransmittedFrames: number;
  readonly duplicatedFrames: number;
  readonly lost: number;
  readonly reinjected: number;
  /** Times frames waited because its gate was shut, and times it was open but waiting for a faster one was better. */
  readonly heldBack: number;
  readonly passedOver: number;
}

/** An event and when it was. */
export interface Decision {
  readonly atMs: number;
  readonly event: AggregateEvent;
}

const SECONDS = 300;
const EVENTS = 256;

/** The last minutes of one member. */
class MemberHistory {
  readonly seconds: MemberSecond[] = [];
  shareRatio = 0;
  firstBytes = 0;
  heldBack = 0;
  passedOver = 0;
  counters: MemberCounters;

  constructor(member: Member) {
    this.counters = { ...member.counters };
  }
}

/** What the sender decided in the last minutes, with the numbers it decided by: seconds with traffic, and events. */
export class DecisionLog {
  readonly #histories = new Map<Member, MemberHistory>();
  readonly #events: Decision[] = [];

  onEvent(event: AggregateEvent, nowMs: number): void {
    if (this.#events.length === EVENTS) this.#events.shift();
    this.#events.push({ atMs: nowMs, event });
  }

  /** Call about once a second while there is traffic. */
  sample(members: readonly Member[], nowMs: number): void {
    let sumBytes = 0;
    for (const member of members) sumBytes += member.counters.firstBytes - this.#history(member).counters.firstBytes;
    for (const member of members) this.#sampleMember(member, sumBytes, nowMs);
  }

  forget(member: Member): void {
    this.#histories.delete(member);
  }

  figures(member: Member, nowMs: number): MemberFigures {
    const { losses } = member;
    return {
      ...member.controller.explain(nowMs),
      state: stateOf(member),
      srttMs: orNull(losses.srttMs),
      rttVarMs: orNull(losses.rttVarMs),
      reorderMs: losses.reorderMs,
      shareRatio: this.#history(member).shareRatio,
      counters: { ...member.counters },
    };
  }

  /** Seconds of this member, oldest first. */
  seconds(member: Member): readonly MemberSecond[] {
    return this.#history(member).seconds;
  }

  /** Events of all members, oldest first. */
  get events(): readonly Decision[] {
    return this.#events;
  }

  #history(member: Member): MemberHistory {
    let history = this.#histories.get(member);
    if (history === undefined) {
      history = new MemberHistory(member);
      this.#histories.set(member, history);
    }
    return history;
  }

  #sampleMember(member: Member, sumBytes: number, nowMs: number): void {
    const history = this.#history(member);
    const { counters } = member;
    const before = history.counters;
    const figures = member.controller.explain(nowMs);
    history.shareRatio = sumBytes > 0 ? (counters.firstBytes - before.firstBytes) / sumBytes : 0;
    if (history.seconds.length === SECONDS) history.seconds.shift();
    history.seconds.push({
      atMs: nowMs,
      state: stateOf(member),
      rateKbps: figures.rateKbps,
      windowBytes: figures.windowBytes,
      inflightBytes: figures.inflightBytes,
      queueMs: figures.queueMs,
      srttMs: orNull(member.losses.srttMs),
      shareRatio: history.shareRatio,
      firstFrames: counters.firstFrames - before.firstFrames,
      retransmittedFrames: counters.retransmittedFrames - before.retransmittedFrames,
      duplicatedFrames: counters.duplicatedFrames - before.duplicatedFrames,
      lost: counters.lost - before.lost,
      reinjected: counters.reinjected - before.reinjected,
      heldBack: member.heldBack - history.heldBack,
      passedOver: member.passedOver - history.passedOver,
    });
    history.counters = { ...counters };
    history.heldBack = member.heldBack;
    history.passedOver = member.passedOver;
  }
}

function stateOf(member: Member): MemberState {
  if (!member.usable) return "unusable";
  return member.isSuspect ? "suspect" : "in-use";
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
