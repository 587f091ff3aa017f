/**
 * What the parts of the TCP model share. All windows and sequence numbers count segments, not bytes: the model sends full
 * segments, and only the last one of a transfer may be shorter.
 */

/** Data on its way from sender to receiver; opaque to whatever carries it. */
export interface TcpSegment {
  readonly kind: "data";
  /** OPENING: the SYN-ACK. */
  readonly sequence: number;
  readonly payloadBytes: number;
  /** Of the IP packet. */
  readonly sizeBytes: number;
  /** The time stamp option, as the echo in acknowledgements. */
  readonly sentMs: number;
}

/** Half open. */
export type SegmentRange = readonly [from: number, to: number];

/** On its way from receiver to sender. */
export interface TcpAck {
  readonly kind: "ack";
  /** The next segment expected. */
  readonly acknowledged: number;
  /** At most three, the newest first. */
  readonly sacks: readonly SegmentRange[];
  /** What arrived a second time (RFC 2883). */
  readonly duplicate: SegmentRange | undefined;
  readonly echoMs: number;
  /** Segments behind `acknowledged` that may be sent. */
  readonly windowSegments: number;
  readonly sizeBytes: number;
}

export type TcpFrame = TcpSegment | TcpAck;

/** The kernel's states, without CWR. */
type TcpPhase = "open" | "disorder" | "recovery" | "loss";

/** What a congestion control sees and steers. */
export interface TcpState {
  readonly mssBytes: number;
  readonly sizeBytes: number;
  readonly isPaced: boolean;
  phase: TcpPhase;
  cwnd: number;
  ssthresh: number;
  /** Unknown, NaN, before the first sample. */
  srttMs: number;
  minRttMs: number;
  pacingBytesPerMs: number;
  /** First segment that is not acknowledged, and the next new one. */
  una: number;
  nxt: number;
  /** Segments delivered so far, acknowledged or selectively so. */
  delivered: number;
  /** Segments the sender believes to be in the network. */
  inflight: number;
}

/** What one acknowledgement told. */
export interface AckSample {
  nowMs: number;
  /** Newly delivered, of these acknowledged cumulatively, and newly found lost. */
  delivered: number;
  cumulative: number;
  lost: number;
  /** Of the newest segment delivered that was sent once; NaN without one. */
  rttMs: number;
  inflightBefore: number;
  /** Delivery rate (draft-cheng-iccrg-delivery-rate-estimation): rateDelivered in rateIntervalMs; NaN when it is no measure. */
  rateDelivered: number;
  rateIntervalMs: number;
  /** Delivered when the newest of these segments was sent; -1 when none is new. */
  priorDelivered: number;
  isAppLimited: boolean;
  isCwndLimited: boolean;
}

export interface CongestionControl {
  readonly wantsPacing: boolean;
  /** Sets window and pacing rate in all phases by itself; otherwise the sender reduces the window in recovery (PRR). */
  readonly ownsWindow: boolean;
  /** It sends less than it could for a moment: what is delivered then is no measure of the rate. */
  readonly holdsBack: boolean;
  /** @param rttMs of the handshake. */
  onOpened(rttMs: number, nowMs: number): void;
  onRtt(state: TcpState, rttMs: number, nowMs: number): void;
  onAck(state: TcpState, sample: AckSample): void;
  /** A loss event begins. @returns the new slow start threshold. */
  onLoss(state: TcpState): number;
  onTimeout(state: TcpState): void;
  /** The loss was none: the window has been restored. */
  onUndo(state: TcpState): void;
}

/** In place of a sequence number. */
export const OPENING = -1;
export const INITIAL_WINDOW = 10;
/** IPv4, TCP and time stamps. */
export const HEADER_BYTES = 52;
