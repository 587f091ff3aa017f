/**
 * How much a path may carry, and when: one controller per path and direction, at the sender.
 *
 * The owner keeps a record of every datagram under way (with the mark below) and tells the controller of each that was
 * sent, that left the line, and of each feedback report. The controller answers: may another one go, how long would it
 * take. It never counts datagrams, only bytes as they are on the wire (IP and UDP headers included).
 */

/** What the controller wants remembered with every datagram, and given back with the feedback about it. */
export interface SentMark {
  /** Queueing time predicted for this datagram at the line, without its own transmission. */
  queueMs: number;
  /** Sum of all corrections of the prediction up to then. */
  correctionMs: number;
  /** When the line was last thought idle. */
  idleSinceMs: number;
  /** Bytes ever sent on this path, this datagram included. */
  sentBytes: number;
}

/**
 * News of one path out of one feedback report. Only reports whose highest counter is above all before are given.
 *
 * "highest" is the datagram with the highest counter received, "fastest" the one with the least delay among those that
 * arrived since the report before (the same as highest where the peer names none). The object and its marks belong to
 * the caller and are reused; the controller copies what it keeps.
 */
export interface FeedbackSample {
  /** Arrival minus send time, in the peer's and this host's clock: an arbitrary offset, the same for all paths. */
  highestOwdMs: number;
  readonly highestMark: SentMark;
  highestSentMs: number;
  fastestOwdMs: number;
  readonly fastestMark: SentMark;
  /** Bytes of all datagrams that ever arrived at the peer on this path, unwrapped. */
  receivedBytes: number;
  /** When the last of them arrived, in the peer's clock, unwrapped. */
  arrivalMs: number;
  /** Now minus the sending of the highest, minus the time for which the peer held the report back. */
  rttMs: number;
}

/** What a controller knows of its line, for `wanbond status` and `wanbond why`. Unknown is null. */
export interface ControllerFigures {
  readonly rateKbps: number;
  readonly deliveryKbps: number | null;
  readonly inflightBytes: number;
  readonly windowBytes: number;
  readonly queueMs: number;
  readonly lineQueueMs: number | null;
  readonly baseOwdMs: number | null;
  readonly rttMinMs: number | null;
  readonly pdvMs: number;
  /** Delay above the least that is taken for an empty line, because of PDV. */
  readonly marginMs: number;
  readonly latenessMs: number;
  readonly plrRatio: number;
  readonly gain: number;
  readonly phase: ControllerPhase;
}

/**
 * - startup: the rate is a guess that doubles until a queue or loss stops it.
 * - steady: rate known; the queue is held at the target.
 * - foreign: the delay is not of our making (a spike, an outage of the radio); the rate is frozen.
 * - competing: somebody else keeps a queue on the line; we hold our share of it instead of yielding.
 * - policed: the line drops above a rate instead of queueing; that rate is held.
 */
export type ControllerPhase = "startup" | "steady" | "foreign" | "competing" | "policed";

/** Has no timer of its own: everything is decided when feedback arrives and when the gate is asked. */
export interface PathController {
  /** Estimate of the line's rate in this direction. Never NaN: before any feedback it is a cautious guess (1 Mbit/s). */
  readonly rateBytesPerMs: number;
  readonly inflightBytes: number;
  readonly phase: ControllerPhase;
  /** Least one-way delay, relative as in FeedbackSample. NaN before the first report. */
  readonly baseOwdMs: number;
  /** NaN before the first report. */
  readonly rttMinMs: number;
  /** Mean delay beyond the prediction, >= 0. */
  readonly latenessMs: number;
  /** How the delay varies: mean size of its second difference. */
  readonly pdvMs: number;
  /** Typed speeds are upper limits. null: none. */
  setTypedLimit(kbps: number | null): void;

  /** So many paths of this host, this one included, were found to share one bottleneck: each keeps its part of the queue. */
  setSharing(pathCount: number): void;

  /** Call for every datagram of any kind. Fills mark, to be remembered with the datagram. */
  onSent(bytes: number, nowMs: number, mark: SentMark): void;

  /** A datagram left the line: acknowledged or declared lost. Exactly once per datagram (a late arrival is not news). */
  onGone(bytes: number, wasLost: boolean, nowMs: number): void;
  /** A datagram that was declared lost has arrived after all. */
  onCameLate(bytes: number, nowMs: number): void;

  /** Call after onGone of the datagrams that the same report acknowledges. */
  onFeedback(sample: FeedbackSample, nowMs: number): void;

  /** May another datagram of usual size be sent now? */
  isOpen(nowMs: number): boolean;

  /** The same for what must not wait, as retransmissions: the queue may be twice as long. */
  isOpenForUrgent(nowMs: number): boolean;

  /** When isOpen turns true by itself; <= nowMs: now. Infinity: only feedback opens it. */
  nextOpenMs(nowMs: number): number;

  /** Predicted queueing time of a datagram sent now, without its own transmission. */
  queueMs(nowMs: number): number;

  /** Predicted one-way delay of a datagram sent now (queue, transmission, line, mean lateness); comparable between paths. */
  arrivalMs(bytes: number, nowMs: number): number;

  /** The same, and what the queue grows or shrinks by before feedback can tell, if the rate goes on changing as it does. */
  driftingArrivalMs(bytes: number, nowMs: number): number;

  explain(nowMs: number): ControllerFigures;
}

export function emptyMark(): SentMark {
  return { queueMs: 0, correctionMs: 0, idleSinceMs: 0, sentBytes: 0 };
}
