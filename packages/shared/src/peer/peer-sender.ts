import type { AggregateSender, Decision, MemberFigures, MemberSecond } from "../aggregate/index.ts";
import type { FrameView } from "../packet/index.ts";
import type { FeedbackReader } from "../wire/index.ts";

/** What a sender tells of itself as a whole; counts are since its start. */
export type SenderTotals = ReturnType<AggregateSender["totals"]> & {
  /** Waiting now, and what it did to frames. */
  readonly queue: {
    readonly packets: number;
    readonly bytes: number;
    readonly drops: Readonly<Record<string, number>>;
    readonly markedFrames: number;
  };
  /** Frames that went out at once, by what told that they are in a hurry; and those for which there was no room. */
  readonly realtimeFrames: Readonly<Record<string, number>>;
  /** Of these, by whether they got a second copy, and why not. */
  readonly secondCopies: Readonly<Record<string, number>>;
};

/** What a sender remembers of one path, oldest first: seconds with traffic; decisions of all paths. */
export interface SenderHistory {
  readonly seconds: readonly MemberSecond[];
  readonly events: readonly Decision[];
}

/** Sends the frames of a peer whose policy keeps them: queued, paced, and sent again when they are lost. */
export interface PeerSender {
  /**
   * Takes over a packet slot with a frame. @param payload where what goes onto the wire starts in the slot.
   * @param innerFlags those of its kind of payload.
   */
  push(slot: number, view: FrameView, payload: number, payloadBytes: number, innerFlags: number, nowMs: number): void;
  /** What waits to be sent for the first time. */
  readonly queuedBytes: number;
  /** Others need room: the oldest frame of the flow with the most bytes is dropped. */
  shed(): void;
  /** Sends what may be sent now; after a batch of push(). */
  pump(nowMs: number): void;
  /** @returns when it wants to be called again. */
  onTimer(nowMs: number): number;
  /** Mask of the paths that went silent and are not known to be well again. */
  readonly suspects: number;
  /** What the paths in use carry together. */
  readonly rateBytesPerMs: number;
  onControlSent(path: number, counter: number, bytes: number, nowMs: number): void;
  onFeedback(feedback: FeedbackReader, nowMs: number): void;
  /** Masks of the paths whose delay the far end makes frames have: all frames, and those of even flows. */
  onHeld(steadyPaths: number, evenPaths: number): void;
  /** @param speedKbps more is never sent on it; null: no limit. */
  addPath(path: number, metered: boolean, speedKbps: number | null, nowMs: number): void;
  removePath(path: number, nowMs: number): void;
  /** @param members mask of those that may carry frames. */
  setEligible(members: number, nowMs: number): void;
  /** How it uses a path at present; null: it does not know it. */
  figures(path: number, nowMs: number): MemberFigures | null;
  totals(): SenderTotals;
  history(path: number): SenderHistory;
  /** Gives every slot back; nothing is called afterwards. */
  close(): void;
}
