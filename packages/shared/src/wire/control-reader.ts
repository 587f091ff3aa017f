import {
  ATTACH,
  ATTACH_ACK,
  BOND_MTU,
  CLOSE,
  CONFIG,
  CONFIG_ACK,
  DELAYED_REPLY,
  DETACH,
  ENROL,
  ENROL_REPLY,
  FEEDBACK,
  HELD,
  LOAD,
  MAX_ATTACH_BYTES,
  MAX_CONFIG_BYTES,
  MESSAGE_HEADER_BYTES,
  MIN_BODY_BYTES,
  MTU_ACK,
  MTU_PROBE,
  OBSERVE,
  OBSERVED,
  PROBE,
  PROBE_REPLY,
  TRAIN,
  TWO_32,
} from "./control-types.ts";
import { FeedbackReader } from "./feedback-block.ts";
import {
  type DelayedReply,
  type Load,
  type Observe,
  type Observed,
  readDelayedReply,
  readLoad,
  readObserve,
  readObserved,
} from "./measure-frame.ts";

/** Told of each message by `ControlReader.read`, in the order of the datagram. */
export interface ControlSink {
  onProbe(probeId: number): void;
  /** Counts are those of the answering end for the prober's sending direction on this path. */
  onProbeReply(probeId: number, heldUs: number, receivedCount: number, highestCounter: number): void;
  /** @param json as sent: whether it is JSON, and of the right shape, is yet to be checked. */
  onAttach(messageId: number, json: string): void;
  onAttachAck(messageId: number): void;
  onDetach(): void;
  /** @param json as sent, unchecked. */
  onConfig(messageId: number, json: string): void;
  onConfigAck(messageId: number): void;
  onClose(reason: number): void;
  onMtuProbe(probeId: number, sizeBytes: number): void;
  onMtuAck(probeId: number, sizeBytes: number): void;
  /** @param mtu the sender's inner MTU for what it sends. */
  onBondMtu(mtu: number): void;
  /** @param feedback valid during the call; the sink reads the blocks with `next`. */
  onFeedback(feedback: FeedbackReader): void;
  /**
   * @param steadyPaths mask of those whose delay frames are made to have, since the lines vary. @param evenPaths the same for
   * frames that are to have the delay of the slower lines, too.
   */
  onHeld(steadyPaths: number, evenPaths: number): void;
  /** @param json as sent, unchecked. */
  onEnrol(messageId: number, json: string): void;
  /** @param messageId of the ENROL that it answers. */
  onEnrolReply(messageId: number, json: string): void;
  onObserve(question: Observe): void;
  onObserved(answer: Observed): void;
  onDelayedReply(question: DelayedReply): void;
  onLoad(question: Load): void;
  /** @param index of this datagram in its train. */
  onTrain(train: number, index: number): void;
}

/** Takes control datagrams apart. Whatever the bytes are, it does not throw; what it cannot use is counted. */
export class ControlReader {
  readonly #view: DataView;
  readonly #pool: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #feedback: FeedbackReader;

  /** Messages of types this version does not know; skipped. */
  unknownMessages = 0;
  /** Messages cut off, too short for their type, or with text that is too long or no UTF-8; skipped. */
  malformedMessages = 0;

  constructor(pool: Uint8Array) {
    this.#pool = pool;
    this.#view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
    this.#feedback = new FeedbackReader(pool);
  }

  /** @param length of the messages together: what was under the AEAD. */
  read(offset: number, length: number, sink: ControlSink): void {
    const end = offset + length;
    let at = offset;
    while (at < end) {
      const body = at + MESSAGE_HEADER_BYTES;
      const bodyEnd = body <= end ? body + this.#view.getUint16(at + 1, true) : Number.POSITIVE_INFINITY;
      if (bodyEnd > end) {
        this.malformedMessages++;
        return;
      }
      this.#message(this.#view.getUint8(at), body, bodyEnd - body, sink);
      at = bodyEnd;
    }
  }

  #message(type: number, at: number, bodyBytes: number, sink: ControlSink): void {
    const minBytes = MIN_BODY_BYTES[type];
    if (minBytes === undefined) this.unknownMessages++;
    else if (bodyBytes < minBytes) this.malformedMessages++;
    else this.#known(type, at, bodyBytes, sink);
  }

  #known(type: number, at: number, bodyBytes: number, sink: ControlSink): void {
    switch (type) {
      case PROBE:
        sink.onProbe(this.#u32(at));
        break;
      case PROBE_REPLY:
        sink.onProbeReply(this.#u32(at), this.#u32(at + 4), this.#u48(at + 8), this.#u48(at + 14));
        break;
      case ATTACH:
      case CONFIG:
      case ENROL:
      case ENROL_REPLY:
        this.#json(type, at, bodyBytes, sink);
        break;
      case ATTACH_ACK:
        sink.onAttachAck(this.#u32(at));
        break;
      case DETACH:
        sink.onDetach();
        break;
      case CONFIG_ACK:
        sink.onConfigAck(this.#u32(at));
        break;
      case CLOSE:
        sink.onClose(this.#view.getUint8(at));
        break;
      case MTU_PROBE:
        sink.onMtuProbe(this.#u32(at), this.#u16(at + 4));
        break;
      case MTU_ACK:
        sink.onMtuAck(this.#u32(at), this.#u16(at + 4));
        break;
      case BOND_MTU:
        sink.onBondMtu(this.#u16(at));
        break;
      case FEEDBACK:
        this.#feedback.begin(at, bodyBytes);
        sink.onFeedback(this.#feedback);
        if (this.#feedback.malformed) this.malformedMessages++;
        break;
      case HELD:
        sink.onHeld(this.#u32(at) | 0, this.#u32(at + 4) | 0);
        break;
      case OBSERVE:
        sink.onObserve(readObserve(this.#view, at));
        break;
      case OBSERVED:
        sink.onObserved(readObserved(this.#view, at));
        break;
      case DELAYED_REPLY:
        sink.onDelayedReply(readDelayedReply(this.#view, at));
        break;
      case LOAD:
        sink.onLoad(readLoad(this.#view, at));
        break;
      case TRAIN:
        sink.onTrain(this.#u32(at), this.#u32(at + 4));
        break;
    }
  }

  #json(type: number, at: number, bodyBytes: number, sink: ControlSink): void {
    const text = this.#text(at + 4, bodyBytes - 4, type === ATTACH ? MAX_ATTACH_BYTES : MAX_CONFIG_BYTES);
    if (text === null) this.malformedMessages++;
    else if (type === ATTACH) sink.onAttach(this.#u32(at), text);
    else if (type === CONFIG) sink.onConfig(this.#u32(at), text);
    else if (type === ENROL) sink.onEnrol(this.#u32(at), text);
    else sink.onEnrolReply(this.#u32(at), text);
  }

  #text(at: number, bytes: number, limitBytes: number): string | null {
    if (bytes > limitBytes) return null;
    try {
      return this.#decoder.decode(this.#pool.subarray(at, at + bytes));
    } catch {
      return null; // The only thing `decode` throws for is text that is no UTF-8.
    }
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  #u48(at: number): number {
    return this.#u16(at + 4) * TWO_32 + this.#u32(at);
  }
}
