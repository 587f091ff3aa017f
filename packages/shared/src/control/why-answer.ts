import * as z from "zod";
import { Member } from "./status.ts";

const measured = z.number().nullable();
const count = z.number().int().nonnegative();
/** ISO 8601, UTC. */
const time = z.string();

/** One second of a member with traffic in its bond: where it stood at its end, and what happened in it. */
const Second = z.object({
  time,
  state: z.enum(["in-use", "suspect", "unusable"]),
  rateKbps: measured,
  windowBytes: measured,
  inflightBytes: measured,
  queueMs: measured,
  srttMs: measured,
  shareRatio: measured,
  firstFrames: count,
  retransmittedFrames: count,
  duplicatedFrames: count,
  lost: count,
  reinjected: count,
  /** How often a frame waited because this line had no room, and because a faster member was worth waiting for. */
  heldBack: count,
  passedOver: count,
});

/** Something that was decided, or happened, with its numbers. */
export const WhyEvent = z.looseObject({ time, event: z.string() });

/** What `wanbond why` is told by a program. */
export const WhyAnswer = z.object({
  version: z.literal(1),
  role: z.enum(["client", "concentrator"]),
  /** Of the answer. */
  time,
  /** Every member there is. */
  known: z.array(z.object({ peer: z.string(), name: z.string(), path: count })),
  /** Those that were asked about; one uplink has a path to each address of the concentrator. */
  members: z.array(
    z.object({
      peer: z.string(),
      policy: z.string(),
      status: Member,
      /** Oldest first; none where the policy keeps no record. */
      seconds: z.array(Second),
      /** Oldest first. */
      events: z.array(WhyEvent),
    }),
  ),
});

export type WhyAnswer = z.infer<typeof WhyAnswer>;
export type WhyMember = WhyAnswer["members"][number];
export type WhySecond = z.infer<typeof Second>;
export type WhyEvent = z.infer<typeof WhyEvent>;
