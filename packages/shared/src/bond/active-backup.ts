import type { FrameView } from "../packet/index.ts";
import type { ActiveListener, ActiveReason } from "./active-change.ts";
import { lowestMember } from "./mask.ts";
import type { MemberTable } from "./members.ts";
import { type BondPolicy, NO_MEMBER } from "./policy.ts";
import type { BondSettings, LinkSelectMethod } from "./settings.ts";

/** ZeroTier's: a better link is looked for this often, and has to be better by a tenth, so that traffic does not flap. */
const RESELECT_INTERVAL_MS = 15_000;
const BETTER_BY = 1.1;

/**
 * One member carries everything; another takes over when it fails, and hands back as linkSelectMethod says.
 *
 * Source: ZeroTier's active-backup; the kernel's primary_reselect (always, better, failure) and force_primary. The
 * readmission ramp does not count here: a share of one line cannot be tried out, and whether a link may come back at all
 * is the monitors' business.
 */
export class ActiveBackup implements BondPolicy {
  readonly reorders = false;
  active = NO_MEMBER;
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** A primary has been usable before. */
  #primarySeen = false;
  readonly #members: MemberTable;
  readonly #settings: BondSettings;
  readonly #changed: ActiveListener;

  constructor(members: MemberTable, settings: BondSettings, changed: ActiveListener) {
    this.#members = members;
    this.#settings = settings;
    this.#changed = changed;
  }

  pick(_frame: FrameView, _sizeBytes: number, eligible: number, nowMs: number): number {
    if (this.active === NO_MEMBER || (eligible & (1 << this.active)) === 0) this.update(eligible, nowMs);
    return 1 << this.active;
  }

  update(eligible: number, nowMs: number): void {
    this.#welcomePrimary(eligible, nowMs);
    if (this.active === NO_MEMBER || (eligible & (1 << this.active)) === 0) {
      this.#replaceFailed(eligible, nowMs);
    } else if (this.#method() === "always") {
      const primary = this.#primaries(eligible);
      if (primary !== 0 && !this.#isPrimary(this.active)) this.#enter(this.#best(primary), "primary-returned", nowMs);
    } else if (nowMs >= this.nextDeadlineMs) {
      this.#seekBetter(eligible, nowMs);
    }
  }

  /** When a primary works for the first time it is taken, whatever linkSelectMethod says: members come up in any order. */
  #welcomePrimary(eligible: number, nowMs: number): void {
    const primary = this.#primarySeen ? 0 : this.#primaries(eligible);
    if (primary === 0) return;
    this.#primarySeen = true;
    if (this.active !== NO_MEMBER && !this.#isPrimary(this.active)) this.#enter(this.#best(primary), "first", nowMs);
  }

  #replaceFailed(eligible: number, nowMs: number): void {
    const failed = this.#members.get(this.active);
    const target = failed?.link.failoverTo ?? null;
    const named = target === null ? 0 : this.#members.ofLink(target) & eligible;
    const primary = this.#primaries(eligible);
    const choice = named !== 0 ? named : primary !== 0 ? primary : eligible;
    const to = choice === 0 ? NO_MEMBER : this.#best(choice);
    if (to !== this.active) this.#enter(to, this.active === NO_MEMBER ? "first" : "failed", nowMs);
  }

  #seekBetter(eligible: number, nowMs: number): void {
    this.nextDeadlineMs = nowMs + RESELECT_INTERVAL_MS;
    const choice = this.#method() === "optimize" ? eligible : this.#primaries(eligible);
    if (choice === 0 || (this.#method() === "better" && this.#isPrimary(this.active))) return;
    const best = this.#best(choice);
    const isBetter = this.#score(best) > this.#score(this.active) * BETTER_BY;
    if (best === this.active || !isBetter) return;
    this.#enter(best, this.#method() === "better" ? "primary-returned" : "better", nowMs);
  }

  #enter(to: number, reason: ActiveReason, nowMs: number): void {
    const from = this.active;
    this.active = to;
    const seeks = this.#method() === "optimize" || this.#method() === "better";
    this.nextDeadlineMs = seeks && to !== NO_MEMBER ? nowMs + RESELECT_INTERVAL_MS : Number.POSITIVE_INFINITY;
    this.#changed(from, to, reason);
  }

  /** ZeroTier's defaults: optimize where the user gives no guidance, always where the links say what is preferred. */
  #method(): LinkSelectMethod {
    const { linkSelectMethod, links, primary } = this.#settings;
    if (linkSelectMethod !== null) return linkSelectMethod;
    if (primary !== null || Object.keys(links).length > 0) return "always";
    return this.#members.where(({ link }) => link.mode !== null || link.failoverTo !== null) !== 0
      ? "always"
      : "optimize";
  }

  #primaries(mask: number): number {
    return this.#members.where((_, index) => (mask & (1 << index)) !== 0 && this.#isPrimary(index));
  }

  #isPrimary(index: number): boolean {
    const member = this.#members.get(index);
    if (member === undefined) return false;
    if (this.#settings.primary !== null) return member.name === this.#settings.primary;
    const named = this.#members.where(({ link }) => link.mode === "primary");
    if (named !== 0) return member.link.mode === "primary";
    // Nobody is named: the first one, as in RouterOS, unless any may be better.
    return this.#method() !== "optimize" && index === lowestMember(this.#members.mask);
  }

  /** The one with the highest score, the lowest number among equals. */
  #best(mask: number): number {
    let best = lowestMember(mask);
    for (let left = mask; left !== 0; left &= left - 1) {
      if (this.#score(lowestMember(left)) > this.#score(best)) best = lowestMember(left);
    }
    return best;
  }

  #score(index: number): number {
    return this.#members.score[index] ?? 0;
  }
}
