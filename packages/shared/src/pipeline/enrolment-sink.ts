import type { ControlSink } from "../wire/index.ts";
import type { DropCounters } from "./drops.ts";

/** What the holder of an invite may say. */
type Allowed = Pick<ControlSink, "onAttach" | "onEnrol" | "onClose">;

/**
 * Stands before the messages of who holds an invite and is no client yet: a path, the request, the farewell. All else, be it
 * a measurement or a probe, would make us work for somebody who has no right to it, and is refused.
 */
export class EnrolmentSink implements ControlSink {
  readonly #allowed: Allowed;
  readonly #drops: DropCounters;

  constructor(allowed: Allowed, drops: DropCounters) {
    this.#allowed = allowed;
    this.#drops = drops;
  }

  onAttach(messageId: number, json: string): void {
    this.#allowed.onAttach(messageId, json);
  }

  onEnrol(messageId: number, json: string): void {
    this.#allowed.onEnrol(messageId, json);
  }

  onClose(reason: number): void {
    this.#allowed.onClose(reason);
  }

  readonly #refuse = (): void => {
    this.#drops["control-refused"]++;
  };

  readonly onProbe = this.#refuse;
  readonly onProbeReply = this.#refuse;
  readonly onAttachAck = this.#refuse;
  readonly onDetach = this.#refuse;
  readonly onConfig = this.#refuse;
  readonly onConfigAck = this.#refuse;
  readonly onMtuProbe = this.#refuse;
  readonly onMtuAck = this.#refuse;
  readonly onBondMtu = this.#refuse;
  readonly onFeedback = this.#refuse;
  readonly onHeld = this.#refuse;
  readonly onEnrolReply = this.#refuse;
  readonly onObserve = this.#refuse;
  readonly onObserved = this.#refuse;
  readonly onDelayedReply = this.#refuse;
  readonly onLoad = this.#refuse;
  readonly onTrain = this.#refuse;
}
