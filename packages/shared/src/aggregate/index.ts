export { type AggregateParts, AggregateSender } from "./aggregate-sender.ts";
export type { AggregateEvent, AggregateSink, FrameDrop, TransmitKind } from "./aggregate-sink.ts";
export type { Decision, MemberFigures, MemberSecond } from "./decision-log.ts";
export { FeedbackRecorder } from "./feedback-recorder.ts";
export { DroppedSlots, FqCodel, QueueSlots } from "./fq-codel.ts";
export { FRAME_REALTIME, FrameTable } from "./frame-table.ts";
export { RealtimeFilter } from "./realtime-filter.ts";
export { RedundancyBudget } from "./redundancy-budget.ts";
export { VirtualQueueController } from "./virtual-queue-controller.ts";
