import type { Fates } from "./fates.ts";
import type { Member } from "./member.ts";
import { SENT_CONTROL, SENT_FLYING } from "./sent-log.ts";

/** With less than this under way it may be chance: the end of a burst was lost, and nothing overtook it. */
const SUSPICIOUS_DATAGRAMS = 3;
/** The limit doubles with each silence, up to this factor, until something arrives. */
const MOST_PATIENCE = 8;

/** Finds by time what no report will tell: what something sent later has overtaken, and paths that went silent. */
export class SilenceWatch {
  /** Of the last silence found. */
  oldestMs = 0;
  limitMs = 0;
  reinjectedCount = 0;
  readonly #fates: Fates;

  constructor(fates: Fates) {
    this.#fates = fates;
  }

  /**
   * @param hasBetter there is another path to turn to, and this one is silent, not the peer.
   * @returns whether the path is to be suspect from now on; what was under way is given up then.
   */
  check(member: Member, hasBetter: boolean, nowMs: number): boolean {
    this.#settleOverdue(member, nowMs);
    const { log } = member;
    const oldest = log.oldestFlying();
    if (oldest < 0) return false;
    const sentMs = log.sentMs[log.index(oldest)] ?? 0;
    this.limitMs = member.silenceLimitMs;
    if (Math.max(sentMs, member.progressMs) + this.limitMs > nowMs) return false;
    this.oldestMs = nowMs - sentMs;
    const isChance = log.flyingCount < SUSPICIOUS_DATAGRAMS && member.patience === 1;
    member.patience = Math.min(MOST_PATIENCE, 2 * member.patience);
    this.giveUp(member, nowMs);
    return !isChance && !member.isSuspect && hasBetter;
  }

  /**
   * The same as `check`, by the peer's clock, each time it sends a report: datagrams of this path should have arrived when
   * the report was written, and none did for too long. Sooner than by the round trip of this path.
   * @param reportMs the time of the newest report, in the peer's clock.
   */
  checkReport(member: Member, reportMs: number, hasOther: boolean, nowMs: number): boolean {
    const { log } = member;
    if (!hasOther || member.isSuspect || log.flyingCount < SUSPICIOUS_DATAGRAMS) return false;
    // What has been overtaken is lost, and may be made out of parity: it says nothing of the path.
    const oldest = log.oldestFlying(member.highestAcked + 1);
    if (oldest < 0 || log.next - oldest < SUSPICIOUS_DATAGRAMS) return false;
    const sentMs = log.sentMs[log.index(oldest)] ?? 0;
    this.limitMs = member.losses.variationMs;
    const expectedMs = Math.max(member.reportedArrivalMs, sentMs + member.reportedOwdMs);
    if (!(expectedMs + this.limitMs < reportMs)) return false;
    this.oldestMs = nowMs - sentMs;
    this.giveUp(member, nowMs);
    return true;
  }

  /** Nothing is under way any more: frames are to be sent again, on other paths if there are any. */
  giveUp(member: Member, nowMs: number): void {
    const { log } = member;
    this.reinjectedCount = 0;
    for (let counter = log.unsettled; counter < log.next; counter++) {
      const at = log.index(counter);
      const state = log.states[at];
      if (state === SENT_CONTROL) this.#fates.expired(member, at, nowMs);
      else if (state === SENT_FLYING && this.#fates.givenUp(member, at, nowMs)) this.reinjectedCount++;
    }
    log.advance();
  }

  #settleOverdue(member: Member, nowMs: number): void {
    const { log } = member;
    const overtakenMs = member.losses.overtakenLimitMs;
    const controlMs = member.silenceLimitMs;
    for (let counter = log.unsettled; counter < log.next; counter++) {
      const at = log.index(counter);
      const state = log.states[at];
      const sentMs = log.sentMs[at] ?? 0;
      if (state === SENT_CONTROL) {
        if (sentMs + controlMs > nowMs) break;
        this.#fates.expired(member, at, nowMs);
      } else if (state === SENT_FLYING) {
        if (counter >= member.highestAcked || sentMs + overtakenMs > nowMs) break;
        this.#fates.lost(member, at, nowMs);
      }
    }
    log.advance();
  }
}
