import type { Before, Change } from "./change.ts";
import type { Runner } from "./command.ts";
import type { Snapshot } from "./snapshot.ts";

/** How one kind of change is made and taken back. Both may be called again when they have been done already. */
export interface ChangeHandler<Kind extends Change> {
  /** Reads what undo will need, before the first apply. */
  before(runner: Runner, change: Kind): Promise<Before>;
  apply(runner: Runner, change: Kind, before: Before): Promise<void>;
  /** Restores what was before, but only what still is as we made it. What is gone is no fault. */
  undo(runner: Runner, change: Kind, before: Before): Promise<void>;
  /** Whether the kernel still has it. A kind without this question looks for itself in apply, at no cost. */
  isPresent?(snapshot: Snapshot, change: Kind): boolean;
}
