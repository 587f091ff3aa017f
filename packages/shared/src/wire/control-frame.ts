import { type FeedbackBlock, FeedbackReader, feedbackBlockBytes, writeFeedbackBlock } from "./feedback-block.ts";
import {
  type DelayedReply,
  LOAD_BYTES,
  type Load,
  OBSERVE_BYTES,
  type Observe,
  type Observed,
  readDelayedReply,
  readLoad,
  readObserve,
  readObserved,
  TRAIN_MIN_BYTES,
  writeDelayedReply,
  writeLoad,
  writeObserve,
  writeObserved,
} from "./measure-frame.ts";

/** Messages of a control datagram: type u8 | length u16 | body. Several fit one datagram; docs/wire-format.md lists them. */
const MESSAGE_HEADER_BYTES = 3;

const PADDING = 0;
const PROBE = 1;
const PROBE_REPLY = 2;
const ATTACH = 3;
const ATTACH_ACK = 4;
const DETACH = 5;
const CONFIG = 6;
const CONFIG_ACK = 7;
const CLOSE = 8;
const MTU_PROBE = 9;
const MTU_ACK = 10;
const BOND_MTU = 11;
const FEEDBACK = 12;
const ENROL = 13;
const ENROL_REPLY = 14;
const OBSERVE = 15;
const OBSERVED = 16;
const DELAYED_REPLY = 17;
const LOAD = 18;
const TRAIN = 19;

/** JSON of an ATTACH, in bytes of UTF-8. */
export const MAX_ATTACH_BYTES = 512;
/** JSON of a CONFIG, an ENROL or its reply, in bytes of UTF-8: alone in its datagram it passes a line of 1280 bytes over IPv6. */
export const MAX_CONFIG_BYTES = 1192;

/** Reasons of a CLOSE. */
export const CLOSE_STOPPING = 0;
export const CLOSE_REMOVED = 1;

const TWO_32 = 0x100000000;
/** Smallest body of each type this version knows; a longer one is a later version's, its end is not looked at. */
const MIN_BODY_BYTES: Readonly<Record<number, number>> = {
  ...[0, 4, 20, 4, 4, 0, 4, 4, 1, 6, 6, 2, 4, 4, 4],
  [OBSERVE]: OBSERVE_BYTES,
  [OBSERVED]: OBSERVE_BYTES,
  [DELAYED_REPLY]: OBSERVE_BYTES,
  [LOAD]: LOAD_BYTES,
  [TRAIN]: TRAIN_MIN_BYTES,
};

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

/**
 * Puts messages one behind the other into a pool. Every method answers false, and writes nothing, when its message does
 * not fit what is left.
 */
export class ControlWriter {
  readonly #pool: Uint8Array;
  readonly #view: DataView;
  readonly #encoder = new TextEncoder();
  #start = 0;
  #at = 0;
  #end = 0;
  /** Body of the last FEEDBACK. */
  #feedbackAt = 0;

  constructor(pool: Uint8Array) {
    this.#pool = pool;
    this.#view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
  }

  /** Starts a datagram whose messages go to [offset, offset + capacityBytes). */
  begin(offset: number, capacityBytes: number): void {
    this.#start = offset;
    this.#at = offset;
    this.#end = offset + capacityBytes;
  }

  /** Bytes of messages written since `begin`. */
  get lengthBytes(): number {
    return this.#at - this.#start;
  }

  probe(probeId: number): boolean {
    return this.#idMessage(PROBE, probeId);
  }

  /** @param receivedCount and highestCounter are < 2^48. */
  probeReply(probeId: number, heldUs: number, receivedCount: number, highestCounter: number): boolean {
    const at = this.#message(PROBE_REPLY, 20);
    if (at < 0) return false;
    this.#view.setUint32(at, probeId, true);
    this.#view.setUint32(at + 4, heldUs, true);
    this.#writeU48(at + 8, receivedCount);
    this.#writeU48(at + 14, highestCounter);
    return true;
  }

  attach(messageId: number, json: string): boolean {
    return this.#jsonMessage(ATTACH, messageId, json, MAX_ATTACH_BYTES);
  }

  attachAck(messageId: number): boolean {
    return this.#idMessage(ATTACH_ACK, messageId);
  }

  detach(): boolean {
    return this.#message(DETACH, 0) >= 0;
  }

  config(messageId: number, json: string): boolean {
    return this.#jsonMessage(CONFIG, messageId, json, MAX_CONFIG_BYTES);
  }

  configAck(messageId: number): boolean {
    return this.#idMessage(CONFIG_ACK, messageId);
  }

  enrol(messageId: number, json: string): boolean {
    return this.#jsonMessage(ENROL, messageId, json, MAX_CONFIG_BYTES);
  }

  enrolReply(messageId: number, json: string): boolean {
    return this.#jsonMessage(ENROL_REPLY, messageId, json, MAX_CONFIG_BYTES);
  }

  close(reason: number): boolean {
    const at = this.#message(CLOSE, 1);
    if (at < 0) return false;
    this.#view.setUint8(at, reason);
    return true;
  }

  mtuProbe(probeId: number, sizeBytes: number): boolean {
    return this.#sizeMessage(MTU_PROBE, probeId, sizeBytes);
  }

  mtuAck(probeId: number, sizeBytes: number): boolean {
    return this.#sizeMessage(MTU_ACK, probeId, sizeBytes);
  }

  bondMtu(mtu: number): boolean {
    const at = this.#message(BOND_MTU, 2);
    if (at < 0) return false;
    this.#view.setUint16(at, mtu, true);
    return true;
  }

  /** Begins a FEEDBACK without blocks. @param timeUnits this end's clock, modulo 2^32. */
  feedback(timeUnits: number): boolean {
    const at = this.#message(FEEDBACK, 4);
    if (at < 0) return false;
    this.#view.setUint32(at, timeUnits, true);
    this.#feedbackAt = at;
    return true;
  }

  /** Adds a block to the FEEDBACK begun last; no other message may be written in between. */
  feedbackBlock(block: FeedbackBlock): boolean {
    if (this.#at + feedbackBlockBytes(block) > this.#end) return false;
    this.#at = writeFeedbackBlock(this.#view, this.#at, block);
    this.#view.setUint16(this.#feedbackAt - 2, this.#at - this.#feedbackAt, true);
    return true;
  }

  observe(question: Observe): boolean {
    const at = this.#blank(OBSERVE, OBSERVE_BYTES);
    if (at < 0) return false;
    writeObserve(this.#view, at, question);
    return true;
  }

  observed(answer: Observed): boolean {
    const at = this.#blank(OBSERVED, OBSERVE_BYTES);
    if (at < 0) return false;
    writeObserved(this.#view, at, answer);
    return true;
  }

  delayedReply(question: DelayedReply): boolean {
    const at = this.#blank(DELAYED_REPLY, OBSERVE_BYTES);
    if (at < 0) return false;
    writeDelayedReply(this.#view, at, question);
    return true;
  }

  load(question: Load): boolean {
    const at = this.#blank(LOAD, LOAD_BYTES);
    if (at < 0) return false;
    writeLoad(this.#view, at, question);
    return true;
  }

  /** @param totalBytes `lengthBytes` afterwards: one datagram of a train is as long as all others. */
  train(train: number, index: number, totalBytes: number): boolean {
    const bodyBytes = totalBytes - this.lengthBytes - MESSAGE_HEADER_BYTES;
    const at = bodyBytes < TRAIN_MIN_BYTES ? -1 : this.#blank(TRAIN, bodyBytes);
    if (at < 0) return false;
    this.#view.setUint32(at, train, true);
    this.#view.setUint32(at + 4, index, true);
    return true;
  }

  /** Pads with zeros until `lengthBytes` is totalBytes. @returns false when 1 or 2 bytes are missing, too few for a message. */
  padTo(totalBytes: number): boolean {
    const missing = totalBytes - this.lengthBytes;
    if (missing === 0) return true;
    const at = this.#message(PADDING, missing - MESSAGE_HEADER_BYTES);
    if (at < 0) return false;
    this.#pool.fill(0, at, this.#at);
    return true;
  }

  #idMessage(type: number, id: number): boolean {
    const at = this.#message(type, 4);
    if (at < 0) return false;
    this.#view.setUint32(at, id, true);
    return true;
  }

  #sizeMessage(type: number, probeId: number, sizeBytes: number): boolean {
    const at = this.#message(type, 6);
    if (at < 0) return false;
    this.#view.setUint32(at, probeId, true);
    this.#view.setUint16(at + 4, sizeBytes, true);
    return true;
  }

  #jsonMessage(type: number, messageId: number, json: string, limitBytes: number): boolean {
    const text = this.#encoder.encode(json);
    if (text.byteLength > limitBytes) return false;
    const at = this.#message(type, 4 + text.byteLength);
    if (at < 0) return false;
    this.#view.setUint32(at, messageId, true);
    this.#pool.set(text, at + 4);
    return true;
  }

  /** A message whose body is zeros as yet. @returns where it goes, or -1. */
  #blank(type: number, bodyBytes: number): number {
    const at = this.#message(type, bodyBytes);
    if (at >= 0) this.#pool.fill(0, at, this.#at);
    return at;
  }

  /** @returns where the body goes, or -1. */
  #message(type: number, bodyBytes: number): number {
    const body = this.#at + MESSAGE_HEADER_BYTES;
    if (bodyBytes < 0 || body + bodyBytes > this.#end) return -1;
    this.#view.setUint8(this.#at, type);
    this.#view.setUint16(this.#at + 1, bodyBytes, true);
    this.#at = body + bodyBytes;
    return body;
  }

  #writeU48(at: number, value: number): void {
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint16(at + 4, value / TWO_32, true);
  }
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
