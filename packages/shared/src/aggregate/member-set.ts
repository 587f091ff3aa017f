import { MAX_PATHS } from "../wire/index.ts";
import type { Member } from "./member.ts";

/** A path that was not used for so long is tried with copies: what is known of it may be wrong by now. */
const IDLE_MS = 500;

/** The paths of one peer, and which of them take frames. */
export class MemberSet {
  readonly byNumber: (Member | undefined)[] = new Array<Member | undefined>(MAX_PATHS).fill(undefined);
  readonly all: Member[] = [];
  /** Those that take frames: usable and not suspect, or if there are none of these the usable ones. */
  readonly live: Member[] = [];
  /**
   * Those that get a copy now and then: suspect, or not used, while others are live. Of a metered path that is not used the
   * monitor's rare probes tell enough; each copy would make the path one in use, which is probed often.
   */
  readonly tried: Member[] = [];

  add(member: Member): void {
    this.byNumber[member.number] = member;
    this.all.push(member);
  }

  /** Call `sort` afterwards. */
  remove(member: Member): void {
    this.byNumber[member.number] = undefined;
    this.all.splice(this.all.indexOf(member), 1);
  }

  /** Whether there is another path to turn to. */
  hasOther(member: Member): boolean {
    return this.live.length > 1 || (this.live.length === 1 && this.live[0] !== member);
  }

  /** To be called when a path came, went, or changed its state. */
  sort(nowMs: number): void {
    this.live.length = 0;
    for (const member of this.all) if (member.usable && !member.isSuspect) this.live.push(member);
    if (this.live.length === 0) for (const member of this.all) if (member.usable) this.live.push(member);
    this.sortTried(nowMs);
  }

  /** To be called now and then. */
  sortTried(nowMs: number): void {
    this.tried.length = 0;
    for (const member of this.all) {
      const isAged = nowMs - member.usedMs > IDLE_MS && !member.metered;
      if (member.usable && (isAged || member.isSuspect) && this.hasOther(member)) this.tried.push(member);
    }
  }
}
