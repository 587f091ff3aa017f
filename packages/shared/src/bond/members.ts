import { MAX_PATHS } from "../wire/index.ts";
import type { LinkSettings } from "./settings.ts";

/** What is measured of one member; NaN where it is not known. */
export interface MemberQuality {
  readonly rttMs: number;
  readonly rttMaxMs: number;
  readonly pdvMs: number;
  readonly plrRatio: number;
  readonly perRatio: number;
  /** Share of the recent past in which the member was usable. */
  readonly availabilityRatio: number;
}

const UNKNOWN_QUALITY: MemberQuality = {
  rttMs: Number.NaN,
  rttMaxMs: Number.NaN,
  pdvMs: Number.NaN,
  plrRatio: Number.NaN,
  perRatio: Number.NaN,
  availabilityRatio: Number.NaN,
};

interface Member {
  /** Link name: several members, paths over one uplink, may share it. */
  readonly name: string;
  readonly ipVersion: 4 | 6;
  readonly link: LinkSettings;
}

/** The members of one bond: what policies may know of them. Written by the bond alone. */
export class MemberTable {
  readonly #members: (Member | undefined)[] = Array.from({ length: MAX_PATHS });
  readonly #quality: MemberQuality[] = Array.from({ length: MAX_PATHS }, () => UNKNOWN_QUALITY);
  /** Members that are there. */
  mask = 0;
  /** How much of the traffic a member should carry, relative to the others; one of the eligible is above 0. */
  readonly weight = new Float64Array(MAX_PATHS);
  /** Readmission ramp: 0 carries nothing yet, 1 its full weight. */
  readonly rampShare = new Float64Array(MAX_PATHS).fill(1);
  /** 0..1, how good a member is next to the others. */
  readonly score = new Float64Array(MAX_PATHS);

  set(index: number, member: Member): void {
    this.#members[index] = member;
    this.mask |= 1 << index;
  }

  remove(index: number): void {
    this.#members[index] = undefined;
    this.#quality[index] = UNKNOWN_QUALITY;
    this.mask &= ~(1 << index);
    this.rampShare[index] = 1;
    this.weight[index] = 0;
    this.score[index] = 0;
  }

  get(index: number): Member | undefined {
    return this.#members[index];
  }

  quality(index: number): MemberQuality {
    return this.#quality[index] ?? UNKNOWN_QUALITY;
  }

  setQuality(index: number, quality: MemberQuality): void {
    this.#quality[index] = quality;
  }

  /** Members over the link of that name. */
  ofLink(name: string): number {
    return this.where(({ name: other }) => other === name);
  }

  /** Not for the packet path. */
  where(accepts: (member: Member, index: number) => boolean): number {
    return this.#members.reduce<number>(
      (mask, member, index) => (member !== undefined && accepts(member, index) ? mask | (1 << index) : mask),
      0,
    );
  }
}
