import type { FrameView } from "../packet/index.ts";
import type { Random } from "../units.ts";
import type { MemberTable } from "./members.ts";
import { type BondPolicy, NO_MEMBER } from "./policy.ts";
import { WeightedTurns } from "./weighted-turns.ts";

/** Striping: each member in turn gets a run of frames, more often the more weight it has. */
export class BalanceRoundRobin implements BondPolicy {
  readonly reorders = true;
  readonly active = null;
  readonly nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #turns: WeightedTurns;
  readonly #packetsPerLink: number;
  readonly #random: Random;
  #current = NO_MEMBER;
  #left = 0;

  /** @param packetsPerLink frames of a run; 0 draws a member for each frame. */
  constructor(members: MemberTable, packetsPerLink: number, random: Random) {
    this.#turns = new WeightedTurns(members.weight);
    this.#packetsPerLink = packetsPerLink;
    this.#random = random;
  }

  pick(_frame: FrameView, _sizeBytes: number, eligible: number, _nowMs: number): number {
    if (this.#packetsPerLink === 0) return 1 << this.#turns.drawn(eligible, this.#random());
    if (this.#left > 0 && (eligible & (1 << this.#current)) !== 0) {
      this.#left--;
      return 1 << this.#current;
    }
    this.#current = this.#turns.next(eligible);
    this.#left = this.#packetsPerLink - 1;
    return 1 << this.#current;
  }

  update(): void {}
}
