import type { FrameView } from "../packet/index.ts";

/**
 * A bond policy answers one question per frame: which member or members carry it.
 *
 * Members are numbered 0..MAX_PATHS-1 (the path numbers of the wire) and sets of them are 32-bit masks, so that an
 * answer costs no allocation. Resequencing, duplication and pacing happen around a policy and are not its business.
 */
export interface Policy {
  /**
   * @param eligible mask of the members that may carry frames now; never 0.
   * @returns mask of the members that get this frame, a subset of eligible. More than one bit: each gets a copy.
   */
  pick(frame: FrameView, sizeBytes: number, eligible: number, nowMs: number): number;
}
