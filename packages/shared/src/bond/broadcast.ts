import type { FrameView } from "../packet/index.ts";
import type { BondPolicy } from "./policy.ts";

/** Every frame on every member. Whichever copy is first counts; the far end drops the others if dedup is on. */
export class Broadcast implements BondPolicy {
  readonly active = null;
  readonly nextDeadlineMs = Number.POSITIVE_INFINITY;
  /** Without removal of duplicates there is no order to keep either: each copy is delivered as it comes. */
  readonly reorders: boolean;

  constructor(dedup: boolean) {
    this.reorders = dedup;
  }

  pick(_frame: FrameView, _sizeBytes: number, eligible: number, _nowMs: number): number {
    return eligible;
  }

  update(): void {}
}
