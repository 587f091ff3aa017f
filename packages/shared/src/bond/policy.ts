import type { FrameView } from "../packet/index.ts";

/**
 * A bond policy answers one question per frame: which member or members carry it.
 *
 * Members are numbered 0..MAX_PATHS-1 (the path numbers of the wire) and sets of them are 32-bit masks, so that an
 * answer costs no allocation. Resequencing, duplication and pacing happen around a policy and are not its business.
 */
interface Policy {
  /**
   * @param eligible mask of the members that may carry frames now; never 0.
   * @returns mask of the members that get this frame, a subset of eligible. More than one bit: each gets a copy.
   */
  pick(frame: FrameView, sizeBytes: number, eligible: number, nowMs: number): number;
}

/** A policy as its bond keeps it. */
export interface BondPolicy extends Policy {
  /** Whether it spreads the frames of one flow over members, so that they overtake each other. */
  readonly reorders: boolean;
  /** The one member that carries everything, NO_MEMBER while there is none; null for a policy that uses several. */
  readonly active: number | null;
  /** When it wants update() called even if no member changes. */
  readonly nextDeadlineMs: number;
  /** Called when eligible members, their weights or their quality have changed, and at the deadline. Idempotent. */
  update(eligible: number, nowMs: number): void;
}

export const NO_MEMBER = -1;
