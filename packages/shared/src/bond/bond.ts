import type { FrameView } from "../packet/index.ts";
import type { Random } from "../units.ts";
import type { ActiveReason } from "./active-change.ts";
import { createPolicy } from "./create-policy.ts";
import { selectMembers } from "./link-selection.ts";

import { type MemberQuality, MemberTable } from "./members.ts";
import { type BondPolicy, NO_MEMBER } from "./policy.ts";
import { scoreMembers } from "./quality.ts";
import { type BondSettings, defaultLinkSettings, type LinkSettings } from "./settings.ts";
import { TrafficShares } from "./traffic-shares.ts";
import { weighMembers } from "./weights.ts";

/** A member as an event shows it. */
export interface MemberNumbers {
  readonly member: number;
  readonly name: string;
  readonly score: number;
  readonly quality: MemberQuality;
}

/** A decision, with the numbers that led to it. */
export type BondEvent =
  | {
      readonly type: "active-changed";
      readonly from: MemberNumbers | null;
      readonly to: MemberNumbers | null;
      readonly reason: ActiveReason;
    }
  | {
      /** The members that may carry traffic are others now. All three are masks; usable but not eligible: spares, rules, minLinks. */
      readonly type: "eligible-changed";
      readonly from: number;
      readonly to: number;
      readonly usable: number;
    };

export interface BondSink {
  bondEvent(event: BondEvent): void;
}

/**
 * The members of a session and who of them carries a frame. What is common to all policies happens here: which links take
 * part (link-selection.ts), how they are scored and weighed; the policy only picks among the eligible.
 *
 * Members are path numbers. Their state comes from the path monitors.
 */
export class Bond {
  /** Members that may carry frames now. 0: nothing can be sent. */
  eligibleMask = 0;
  /**
   * Frames are to be put in order by the far end: also while a single member is eligible, because it would take frames
   * without this mark, which share its numbering, for holes as soon as there are two.
   */
  readonly resequences: boolean;
  /** Frames sent more than once are to be delivered once. */
  readonly dedups: boolean;
  readonly settings: BondSettings;
  readonly #members = new MemberTable();
  readonly #policy: BondPolicy;
  readonly #sink: BondSink;
  readonly #shares = new TrafficShares();
  readonly #byQuality: boolean;
  readonly #usesScore: boolean;
  #usable = 0;
  #nowMs = 0;

  constructor(settings: BondSettings, random: Random, sink: BondSink) {
    this.settings = settings;
    this.#sink = sink;
    this.dedups = settings.basePolicy !== "broadcast" || settings.dedup;
    this.#byQuality = settings.basePolicy === "balance-aware";
    this.#usesScore = this.#byQuality || settings.basePolicy === "active-backup";
    this.#policy = createPolicy(settings, this.#members, random, (from, to, reason) => {
      sink.bondEvent({ type: "active-changed", from: this.#numbers(from), to: this.#numbers(to), reason });
    });
    const { resequencing } = settings;
    this.resequences = resequencing === "on" || (resequencing === "auto" && this.#policy.reorders);
  }

  /** @returns mask of the members that carry the frame; 0 when there is none. */
  pick(frame: FrameView, sizeBytes: number, nowMs: number): number {
    const eligible = this.eligibleMask;
    if (eligible === 0) return 0;
    const picked = this.#policy.pick(frame, sizeBytes, eligible, nowMs);
    this.#shares.add(picked, sizeBytes);
    return picked;
  }

  /**
   * Adds a member, unusable at first, or changes its link. @param link name of its uplink.
   * @param ipVersion of the path's outer addresses.
   * @param told what the far end says about its link; counts when our own settings list no links.
   */
  setMember(index: number, link: string, ipVersion: 4 | 6 = 4, told: Partial<LinkSettings> = {}): void {
    const own = Object.entries(this.settings.links).find(([name]) => name === link)?.[1];
    const defaults = defaultLinkSettings(this.settings);
    this.#members.set(index, { name: link, ipVersion, link: own ?? { ...defaults, ...told } });
    this.#update();
  }

  /** What counts for a member: set here, or told by the far end. */
  linkSettings(index: number): LinkSettings | undefined {
    return this.#members.get(index)?.link;
  }

  removeMember(index: number): void {
    this.#usable &= ~(1 << index);
    this.#update(); // While the member still has its name, for the events.
    this.#members.remove(index);
  }

  setUsable(index: number, usable: boolean, nowMs: number): void {
    this.#nowMs = nowMs;
    if (usable) this.#usable |= 1 << index;
    else this.#usable &= ~(1 << index);
    this.#update();
  }

  /** @param quality a new object of which nothing is changed later. */
  setQuality(index: number, quality: MemberQuality): void {
    this.#members.setQuality(index, quality);
    if (this.#usesScore) this.#weigh();
  }

  /** @param share 0..1 of its full weight that a readmitted member may carry; 1 for a member in good standing. */
  setShare(index: number, share: number): void {
    if (this.#members.rampShare[index] === share) return;
    this.#members.rampShare[index] = share;
    this.#weigh();
  }

  /** Part of the bytes of the last seconds that this member carried, 0..1; NaN when there were none. */
  shareRatio(index: number): number {
    return this.#shares.ratio(index);
  }

  /** A frame was sent that pick() was not asked about. */
  countSent(index: number, sizeBytes: number): void {
    this.#shares.add(1 << index, sizeBytes);
  }

  /** Whether the member carries traffic, or would if there were any; a usable one that does not is on standby. */
  isCarrying(index: number): boolean {
    const { active } = this.#policy;
    return (this.eligibleMask & (1 << index)) !== 0 && (active === null || active === index);
  }

  get nextDeadlineMs(): number {
    return Math.min(this.#shares.nextDeadlineMs, this.#policy.nextDeadlineMs);
  }

  onTimer(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#shares.onTimer(nowMs);
    if (nowMs >= this.#policy.nextDeadlineMs) this.#policy.update(this.eligibleMask, nowMs);
  }

  #update(): void {
    const before = this.eligibleMask;
    this.eligibleMask = selectMembers(this.#members, this.#usable, this.settings);
    this.#weigh();
    if (this.eligibleMask === before) return;
    this.#sink.bondEvent({ type: "eligible-changed", from: before, to: this.eligibleMask, usable: this.#usable });
  }

  #weigh(): void {
    if (this.#usesScore) scoreMembers(this.#members, this.eligibleMask, this.settings.quality);
    weighMembers(this.#members, this.eligibleMask, this.#byQuality);
    this.#policy.update(this.eligibleMask, this.#nowMs);
  }

  #numbers(member: number): MemberNumbers | null {
    if (member === NO_MEMBER) return null;
    const name = this.#members.get(member)?.name ?? "";
    return { member, name, score: this.#members.score[member] ?? 0, quality: this.#members.quality(member) };
  }
}
