import { FlowHasher, type FrameView, type TransmitHashPolicy } from "../packet/index.ts";
import { FlowTable } from "./flow-table.ts";
import type { MemberTable } from "./members.ts";
import type { BondPolicy } from "./policy.ts";

/** Each flow on one member for as long as that member is in the bond; the hash policy says what a flow is. */
export class BalanceXor implements BondPolicy {
  readonly reorders = false;
  readonly active = null;
  readonly nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #hasher: FlowHasher;
  readonly #flows: FlowTable;

  constructor(members: MemberTable, hashPolicy: TransmitHashPolicy) {
    this.#hasher = new FlowHasher(hashPolicy);
    this.#flows = new FlowTable(members, "on-return");
  }

  pick(frame: FrameView, sizeBytes: number, eligible: number, nowMs: number): number {
    return 1 << this.#flows.memberOf(this.#hasher.hash(frame), sizeBytes, eligible, nowMs);
  }

  update(): void {}
}
