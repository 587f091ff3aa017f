import * as z from "zod";

/** What the policy aggregate says of itself in the status snapshot. docs/bond-policies.md explains the words. */

const measured = z.number().nullable();
const count = z.number().int().nonnegative();
const counts = z.record(z.string(), count);

/** How it uses one member for what this end sends. Counts are since the start of the bond. */
export const AggregateMember = z.object({
  /** suspect: nothing is heard of what was sent there, and only copies try it. */
  state: z.enum(["in-use", "suspect", "unusable"]),
  /** What the controller of the line does: startup, steady, foreign, competing, policed. */
  phase: z.string(),
  /** What the line is thought to carry, which sets the pace; and what arrived of late. */
  rateKbps: measured,
  deliveryKbps: measured,
  /** What may be under way, and what is. */
  windowBytes: measured,
  inflightBytes: measured,
  /** Queue in the line: of what is sent now, as predicted; least of the last reports, as measured. */
  queueMs: measured,
  lineQueueMs: measured,
  /** Least one-way delay, by the clocks of both ends: fit to compare members of one bond, nothing else. */
  baseOwdMs: measured,
  rttMinMs: measured,
  srttMs: measured,
  rttVarMs: measured,
  pdvMs: measured,
  /** Delay that is taken for PDV and not for a queue; mean delay beyond the prediction. */
  marginMs: measured,
  latenessMs: measured,
  /** How much later than expected a datagram may come before it counts as lost. */
  reorderMs: measured,
  plrRatio: measured,
  /** The pace is the rate times this. */
  gain: measured,
  /** Of the frames that all members carried first, in bytes of the last second with traffic. */
  shareRatio: measured,
  /** Sent here first. */
  firstFrames: count,
  firstBytes: count,
  /** Sent here because they were lost elsewhere, or under way on a silent member. */
  retransmittedFrames: count,
  retransmittedBytes: count,
  /** Second copies sent here, of real-time frames or to try the member. */
  duplicatedFrames: count,
  duplicatedBytes: count,
  /** Parity, out of which the far end makes what this member lost. */
  parityFrames: count,
  parityBytes: count,
  controlBytes: count,
  /** Datagrams that were declared lost here, and those of them that came after all. */
  lost: count,
  spurious: count,
  /** Under way here when the member went silent, and sent again elsewhere; those of them that came after all. */
  reinjected: count,
  late: count,
  /** Lost or late here, but another copy arrived. */
  saved: count,
  silences: count,
});

/** The whole of it, for what this end sends. */
export const AggregateBond = z.object({
  /** The far end sends no feedback: nothing is paced and nothing is sent again. */
  usesFixedShares: z.boolean(),
  /** The queue of the bond. */
  queue: z.object({ packets: count, bytes: count, drops: counts, markedFrames: count }),
  /** Kept for retransmission now; sent without being kept for want of room; given up, by reason. */
  keptBytes: count,
  unkeptFrames: count,
  givenUp: counts,
  /** Feedback that cannot be true, by reason, and feedback about what is no longer remembered. */
  refusedFeedback: counts,
  outdatedFeedback: count,
  /** Frames in a hurry, by what told; their second copies, by why there was one or none. */
  realtimeFrames: counts,
  secondCopies: counts,
});
