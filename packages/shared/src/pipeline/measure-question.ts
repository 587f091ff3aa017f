/** What the main thread has the packet loop ask of the far end, or send to it, to measure a line. */
export type MeasureQuestion =
  | { readonly type: "observe"; readonly id: number; readonly train: number; readonly flags: number }
  | { readonly type: "delayed-reply"; readonly id: number; readonly waitMs: number; readonly token: number }
  /** The far end sends a train. */
  | {
      readonly type: "load";
      readonly train: number;
      readonly token: number;
      readonly rateKbps: number;
      readonly bytes: number;
      readonly sizeBytes: number;
    }
  /** We send one. */
  | {
      readonly type: "train";
      readonly train: number;
      readonly rateKbps: number;
      readonly bytes: number;
      readonly sizeBytes: number;
    };
