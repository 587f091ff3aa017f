export { DUPLICATE, DUPLICATE_WINDOW, DuplicateFilter, NEW, TOO_OLD } from "./duplicate-filter.ts";
export { type FrameSlots, Reassembler } from "./reassembler.ts";
export { Resequencer, type ResequencerConfig } from "./resequencer.ts";
export type { SlotVector } from "./slot-vector.ts";
