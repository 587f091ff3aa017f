import { FlowHasher, type FrameView, type TransmitHashPolicy } from "../packet/index.ts";
import { FlowTable } from "./flow-table.ts";
import type { MemberTable } from "./members.ts";
import type { BondPolicy } from "./policy.ts";
import { WeightedTurns } from "./weighted-turns.ts";

/** Flows by target allocation: alloc, or speed times measured quality. */
export class BalanceAwareFlows implements BondPolicy {
  readonly reorders = false;
  readonly active = null;
  readonly nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #hasher: FlowHasher;
  readonly #flows: FlowTable;

  /** @param isDynamic flows may be moved to keep the balance; otherwise only when their member leaves. */
  constructor(members: MemberTable, hashPolicy: TransmitHashPolicy, isDynamic: boolean) {
    this.#hasher = new FlowHasher(hashPolicy);
    this.#flows = new FlowTable(members, isDynamic ? "to-balance" : "never");
  }

  pick(frame: FrameView, sizeBytes: number, eligible: number, nowMs: number): number {
    return 1 << this.#flows.memberOf(this.#hasher.hash(frame), sizeBytes, eligible, nowMs);
  }

  update(): void {}
}

/** Frame by frame by target allocation, with no regard to order. */
export class BalanceAwarePackets implements BondPolicy {
  readonly reorders = true;
  readonly active = null;
  readonly nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #turns: WeightedTurns;

  constructor(members: MemberTable) {
    this.#turns = new WeightedTurns(members.weight);
  }

  pick(_frame: FrameView, _sizeBytes: number, eligible: number, _nowMs: number): number {
    return 1 << this.#turns.next(eligible);
  }

  update(): void {}
}
