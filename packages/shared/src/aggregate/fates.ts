import type { FrameKeeper } from "./frame-keeper.ts";
import type { Member } from "./member.ts";
import { KIND_DUPLICATE, SENT_ACKED, SENT_CONTROL, SENT_FLYING, SENT_LOST, SENT_REINJECTED } from "./sent-log.ts";

/** What comes of a datagram, and through it of its frame: it arrives, is lost, or is given up with a silent path. */
export class Fates {
  readonly #keeper: FrameKeeper;
  readonly #members: readonly (Member | undefined)[];

  /** @param members by path number. */
  constructor(keeper: FrameKeeper, members: readonly (Member | undefined)[]) {
    this.#keeper = keeper;
    this.#members = members;
  }

  /** @param at place in the member's log. @returns the state it had: SENT_ACKED when this is no news. */
  arrived(member: Member, at: number, nowMs: number): number {
    const { log, counters } = member;
    const before = log.states[at] ?? SENT_ACKED;
    if (before === SENT_ACKED) return before;
    log.settle(at, SENT_ACKED);
    if (before === SENT_FLYING || before === SENT_CONTROL) member.controller.onGone(log.bytes[at] ?? 0, false, nowMs);
    else if (before === SENT_LOST) {
      counters.spurious++;
      member.controller.onCameLate(log.bytes[at] ?? 0, nowMs);
    } else if (before === SENT_REINJECTED) counters.late++;
    if (!this.#keeper.isKept(member, at)) return before;
    const lostPath = this.#keeper.onArrived(log.slots[at] ?? 0);
    if (before === SENT_FLYING && lostPath >= 0) this.#onSaved(lostPath);
    return before;
  }

  /** A flying or control datagram is lost. */
  lost(member: Member, at: number, nowMs: number): void {
    const { log, counters } = member;
    const wasFlying = log.states[at] === SENT_FLYING;
    log.settle(at, SENT_LOST);
    member.controller.onGone(log.bytes[at] ?? 0, true, nowMs);
    counters.lost++;
    member.losses.onLost();
    if (wasFlying) this.#onFrameLost(member, at, nowMs);
  }

  /** A flying datagram is not waited for any more. @returns whether its frame waits to be sent again now. */
  givenUp(member: Member, at: number, nowMs: number): boolean {
    const { log } = member;
    log.settle(at, SENT_REINJECTED);
    member.controller.onGone(log.bytes[at] ?? 0, false, nowMs);
    const isWaiting = this.#onFrameLost(member, at, nowMs);
    if (isWaiting) member.counters.reinjected++;
    return isWaiting;
  }

  /** Nobody reports control datagrams for their own sake: after a while they are thought to have left the line. */
  expired(member: Member, at: number, nowMs: number): void {
    const { log } = member;
    log.settle(at, SENT_ACKED);
    member.controller.onGone(log.bytes[at] ?? 0, false, nowMs);
  }

  #onFrameLost(member: Member, at: number, nowMs: number): boolean {
    const slot = member.log.slots[at] ?? -1;
    if (slot < 0) return false;
    if (this.#keeper.isKept(member, at)) return this.#keeper.onLost(slot, member.number, nowMs);
    if (member.log.kinds[at] !== KIND_DUPLICATE) member.counters.saved++;
    return false;
  }

  #onSaved(path: number): void {
    const member = this.#members[path];
    if (member !== undefined) member.counters.saved++;
  }
}
