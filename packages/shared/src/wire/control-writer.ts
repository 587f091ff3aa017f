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
  HELD_BYTES,
  LOAD,
  MAX_ATTACH_BYTES,
  MAX_CONFIG_BYTES,
  MESSAGE_HEADER_BYTES,
  MTU_ACK,
  MTU_PROBE,
  OBSERVE,
  OBSERVED,
  PADDING,
  PROBE,
  PROBE_REPLY,
  TRAIN,
  TWO_32,
} from "./control-types.ts";
import { type FeedbackBlock, feedbackBlockBytes, writeFeedbackBlock } from "./feedback-block.ts";
import {
  type DelayedReply,
  LOAD_BYTES,
  type Load,
  OBSERVE_BYTES,
  type Observe,
  type Observed,
  TRAIN_MIN_BYTES,
  writeDelayedReply,
  writeLoad,
  writeObserve,
  writeObserved,
} from "./measure-frame.ts";

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

  /** Masks of paths, see ControlSink. */
  held(steadyPaths: number, evenPaths: number): boolean {
    const at = this.#message(HELD, HELD_BYTES);
    if (at < 0) return false;
    this.#view.setUint32(at, steadyPaths, true);
    this.#view.setUint32(at + 4, evenPaths, true);
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
