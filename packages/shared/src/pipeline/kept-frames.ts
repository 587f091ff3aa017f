import { DroppedSlots, FrameTable } from "../aggregate/index.ts";

/**
 * What is known of the frames that senders keep, by packet slot. One table serves all peers, since a slot has one holder at
 * a time.
 */
export class KeptFrames {
  readonly table: FrameTable;
  /** Filled and read within one call of a sender. */
  readonly dropped: DroppedSlots;
  /** Where the frame, or the packet of a routed peer, starts, and its length; the inner header goes before it. */
  readonly payloads: Int32Array;
  readonly payloadBytes: Int32Array;
  readonly innerFlags: Uint8Array;
  /** Within the flow slot; given with the first transmission. */
  readonly sequences: Int32Array;
  /** -1: not IP. */
  readonly ipOffsets: Int32Array;

  constructor(slotCount: number) {
    this.table = new FrameTable(slotCount);
    this.dropped = new DroppedSlots(slotCount);
    this.payloads = new Int32Array(slotCount);
    this.payloadBytes = new Int32Array(slotCount);
    this.innerFlags = new Uint8Array(slotCount);
    this.sequences = new Int32Array(slotCount);
    this.ipOffsets = new Int32Array(slotCount);
  }
}
