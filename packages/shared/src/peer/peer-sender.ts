import type { FrameView } from "../packet/index.ts";
import type { FeedbackReader } from "../wire/index.ts";

/** Sends the frames of a peer whose policy keeps them: queued, paced, and sent again when they are lost. */
export interface PeerSender {
  /**
   * Takes over a packet slot with a frame. @param payload where what goes onto the wire starts in the slot.
   * @param innerFlags those of its kind of payload.
   */
  push(slot: number, view: FrameView, payload: number, payloadBytes: number, innerFlags: number, nowMs: number): void;
  /** Sends what may be sent now; after a batch of push(). */
  pump(nowMs: number): void;
  /** @returns when it wants to be called again. */
  onTimer(nowMs: number): number;
  onControlSent(path: number, counter: number, bytes: number, nowMs: number): void;
  onFeedback(feedback: FeedbackReader, nowMs: number): void;
  addPath(path: number, metered: boolean, nowMs: number): void;
  removePath(path: number, nowMs: number): void;
  /** @param members mask of those that may carry frames. */
  setEligible(members: number, nowMs: number): void;
  /** The far end has started anew. */
  onPeerRestarted(nowMs: number): void;
  /** Gives every slot back; nothing is called afterwards. */
  close(): void;
}
