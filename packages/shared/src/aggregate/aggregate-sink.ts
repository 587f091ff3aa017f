import type { ControllerPhase } from "./path-controller.ts";

/** Why a datagram of a frame is sent: the first one, again after a loss or out of a silent path, or as a second copy. */
export type TransmitKind = "first" | "retransmission" | "duplicate";

/** Why a frame was given back without a copy of it having been acknowledged. */
export type FrameDrop = "queue-full" | "queue-delay" | "no-path" | "too-old" | "too-many-tries";

/** A decision worth a line in a log, with the numbers that led to it. */
export type AggregateEvent =
  | {
      readonly type: "path-suspect";
      readonly path: number;
      /** Age of the oldest unacknowledged datagram and the limit it passed. */
      readonly oldestMs: number;
      readonly limitMs: number;
      readonly srttMs: number;
      readonly rttVarMs: number;
      /** Frames that are sent again on other paths. */
      readonly reinjectedCount: number;
    }
  | { readonly type: "path-cleared"; readonly path: number; readonly suspectMs: number }
  /** The peer sends no feedback: traffic is split by fixed shares from now on. */
  | { readonly type: "feedback-missing"; readonly sentCount: number; readonly waitedMs: number }
  | { readonly type: "feedback-back" }
  /** The line of this path loses datagrams singly, and carries parity from now on; or does not any more. */
  | { readonly type: "parity"; readonly path: number; readonly isOn: boolean; readonly lossRatio: number }
  /**
   * A host sends as much as the path with the least delay takes: connections that it begins from now on have the delay of
   * the slower paths from the start, so that they fill all. behindMs: between the least and the largest delay.
   */
  | {
      readonly type: "bulk-source";
      readonly rateKbps: number;
      readonly soonestKbps: number;
      readonly behindMs: number;
    }
  /** The controller of this path's line goes over to another phase. */
  | {
      readonly type: "line-phase";
      readonly path: number;
      readonly from: ControllerPhase;
      readonly to: ControllerPhase;
      /** Changes since the last that was told, this one included: where there are very many not each is. */
      readonly changeCount: number;
      readonly rateKbps: number;
      readonly lossRatio: number;
      /** As measured; and the round trip of the empty line. null: not known. */
      readonly queueMs: number | null;
      readonly rttMinMs: number | null;
    }
  /** These paths are one line: they rise and fall together, and its capacity is counted once. 0: no paths do any more. */
  | { readonly type: "shared-bottleneck"; readonly paths: number; readonly correlationRatio: number };

/** What the sender of a bond asks of its owner, who writes headers, seals and sends. */
export interface AggregateSink {
  /**
   * Puts a datagram with this frame on a path now. With "first" the owner gives the frame its sequence number within its
   * flow slot; later kinds carry the same. A frame that needs several datagrams (fragments): all but the last are told by
   * `onControlSent` during this call.
   * @returns the datagram's counter on that path, or -1 when it could not be sent; then nothing was numbered.
   */
  transmit(slot: number, path: number, kind: TransmitKind, nowMs: number): number;
  /**
   * Sends a control datagram of padding as long as the path takes, at least REPORTED_CONTROL_BYTES, to find what the line
   * carries; it is told by `onControlSent` as any other. @returns false when it could not be sent.
   */
  pad(path: number, nowMs: number): boolean;
  /** When anything came in on this path, last. */
  heardMs(path: number): number;
  /**
   * The slot is nobody's any more. It may come in the same call as a `transmit` of the slot: what was transmitted has to be
   * sealed before the slot is used again. @param drop null: a copy was acknowledged, or none is to be kept.
   */
  release(slot: number, drop: FrameDrop | null): void;
  event(event: AggregateEvent, nowMs: number): void;
}
