import type { AggregateEvent, AggregateSink } from "./aggregate-sink.ts";
import { FIRST_TRIAL_MS, type Member } from "./member.ts";
import type { MemberSet } from "./member-set.ts";
import type { SilenceWatch } from "./silence-watch.ts";

/** What was heard of two paths within such a time was heard of both at once, or nearly so. */
const AT_ONCE_MS = 25;

/** Makes paths suspect that went silent, and clears those that prove themselves. */
export class PathHealth {
  readonly #members: MemberSet;
  readonly #watch: SilenceWatch;
  readonly #sink: Pick<AggregateSink, "heardMs">;
  readonly #event: (event: AggregateEvent, nowMs: number) => void;

  constructor(
    members: MemberSet,
    watch: SilenceWatch,
    sink: Pick<AggregateSink, "heardMs">,
    event: (event: AggregateEvent, nowMs: number) => void,
  ) {
    this.#members = members;
    this.#watch = watch;
    this.#sink = sink;
    this.#event = event;
  }

  /** The peer has sent a report. @param reportMs its time, in the peer's clock. */
  onReport(member: Member, reportMs: number, nowMs: number): void {
    if (member.isSuspect) this.#clearIfProven(member, nowMs);
    if (this.#watch.checkReport(member, reportMs, this.#members.hasOther(member), nowMs)) this.#suspect(member, nowMs);
  }

  onTimer(member: Member, nowMs: number): void {
    if (nowMs < member.nextDeadlineMs) return;
    if (this.#watch.check(member, this.#hasBetter(member, nowMs), nowMs)) this.#suspect(member, nowMs);
  }

  /** Whether there is a path to turn to that is better off. */
  #hasBetter(member: Member, nowMs: number): boolean {
    return this.#members.live.some((other) => other !== member && !this.#isAsSilent(other, member, nowMs));
  }

  /**
   * Where nothing was heard about any path it is the reports that are missing, as a dead path takes along those that the peer
   * sent on it. A path that is well must not be left for that: the one is dead on which nothing comes in any more.
   */
  #isAsSilent(other: Member, member: Member, nowMs: number): boolean {
    if (other.progressMs > member.progressMs + AT_ONCE_MS || !other.isOverdue(nowMs)) return false;
    return !(this.#sink.heardMs(other.number) > this.#sink.heardMs(member.number) + AT_ONCE_MS);
  }

  #suspect(member: Member, nowMs: number): void {
    member.suspectSinceMs = nowMs;
    member.clearedFrom = member.log.next;
    member.trialGapMs = FIRST_TRIAL_MS;
    member.nextTrialMs = nowMs;
    member.counters.silences++;
    this.#members.sort(nowMs);
    const { oldestMs, limitMs, reinjectedCount } = this.#watch;
    const { srttMs, rttVarMs } = member.losses;
    const path = member.number;
    this.#event({ type: "path-suspect", path, oldestMs, limitMs, srttMs, rttVarMs, reinjectedCount }, nowMs);
  }

  /** What was under way when it went silent proves nothing: only what was sent since then does. */
  #clearIfProven(member: Member, nowMs: number): void {
    if (member.highestAcked < member.clearedFrom) return;
    const suspectMs = nowMs - member.suspectSinceMs;
    member.suspectSinceMs = Number.NaN;
    this.#members.sort(nowMs);
    this.#event({ type: "path-cleared", path: member.number, suspectMs }, nowMs);
  }
}
