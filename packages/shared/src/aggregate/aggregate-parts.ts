import type { AggregateSink } from "./aggregate-sink.ts";
import type { FeedbackRefusal } from "./feedback-intake.ts";
import type { DroppedSlots, FqCodel } from "./fq-codel.ts";
import type { FrameTable } from "./frame-table.ts";
import type { PathController } from "./path-controller.ts";
import type { RedundancyBudget } from "./redundancy-budget.ts";

/** What a sender is made of. Frame table and dropped slots are shared by all senders of a forwarder. */
export interface AggregateParts {
  readonly sink: AggregateSink;
  readonly frames: FrameTable;
  readonly queue: FqCodel;
  readonly dropped: DroppedSlots;
  readonly budget: RedundancyBudget;
  /** @param onDelay to be told of delays that speak about the line. */
  createController(path: number, onDelay: (owdMs: number, nowMs: number) => void): PathController;
  /** Most that is kept for retransmission, bytes of datagrams. */
  readonly keptLimitBytes: number;
}

/** Of the whole sender: feedback that was not believed, frames that were not kept or given up, bytes kept now. */
export interface AggregateTotals {
  readonly refusedFeedback: Readonly<Record<FeedbackRefusal, number>>;
  readonly outdatedFeedback: number;
  readonly unkeptFrames: number;
  readonly givenUp: Readonly<Record<"too-old" | "too-many-tries", number>>;
  readonly keptBytes: number;
  /** The peer sends no feedback. */
  readonly usesFixedShares: boolean;
}
