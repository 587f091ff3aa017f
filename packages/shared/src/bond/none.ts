import type { FrameView } from "../packet/index.ts";
import type { ActiveListener } from "./active-change.ts";
import { lowestMember } from "./mask.ts";
import { type BondPolicy, NO_MEMBER } from "./policy.ts";

/** No bonding: the first member that works, for as long as it works. */
export class FirstWorking implements BondPolicy {
  readonly reorders = false;
  readonly nextDeadlineMs = Number.POSITIVE_INFINITY;
  active = NO_MEMBER;
  readonly #changed: ActiveListener;

  constructor(changed: ActiveListener) {
    this.#changed = changed;
  }

  pick(_frame: FrameView, _sizeBytes: number, eligible: number, _nowMs: number): number {
    if ((eligible & (1 << this.active)) === 0 || this.active === NO_MEMBER) this.update(eligible);
    return 1 << this.active;
  }

  update(eligible: number): void {
    const from = this.active;
    if (from !== NO_MEMBER && (eligible & (1 << from)) !== 0) return;
    const to = eligible === 0 ? NO_MEMBER : lowestMember(eligible);
    if (to === from) return;
    this.active = to;
    this.#changed(from, to, from === NO_MEMBER ? "first" : "failed");
  }
}
