import type { Path, Peer } from "../peer/index.ts";
import {
  ControlReader,
  type ControlSink,
  ControlWriter,
  type DelayedReply,
  ENDPOINT_WORDS,
  type FeedbackReader,
  type Load,
  MAX_PATHS,
  MIN_INNER_MTU,
  type Observe,
  type Observed,
  TYPE_CONTROL,
} from "../wire/index.ts";
import type { DropCounters } from "./drops.ts";
import { EnrolmentSink } from "./enrolment-sink.ts";
import type { EmitEvent } from "./events.ts";
import type { Measurements } from "./measurements.ts";
import { Origin } from "./origin.ts";
import { type PacketPorts, SLOT_BYTES, SLOT_HEADROOM } from "./ports.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

const ROOM_BYTES = SLOT_BYTES - SLOT_HEADROOM;
/** One datagram brings no more answers than this, each smaller than a full datagram: there is little to gain by asking. */
const ANSWERS_PER_DATAGRAM = 4;

/**
 * The messages between the two ends of a session: reads those that came with an authentic datagram, writes ours. What
 * concerns one path goes to its monitor or MTU search, the rest to the main thread as an event. Authentic does not mean
 * benign: what one datagram, or one peer, may bring about is bounded.
 */
export class ControlChannel implements ControlSink {
  readonly #batch: TransmitBatch;
  readonly #emit: EmitEvent;
  readonly #reader: ControlReader;
  readonly #writer: ControlWriter;
  readonly #drops: DropCounters;
  readonly #measurements: Measurements;
  readonly #enrolment: EnrolmentSink;
  #nextMessageId = 1;
  #answersLeft = 0;
  // The datagram being read.
  #peer: Peer | undefined;
  #path: Path | undefined;
  #pathNumber = 0;
  #origin = new Origin();
  #messageBytes = 0;
  #nowMs = 0;

  constructor(
    ports: PacketPorts,
    batch: TransmitBatch,
    emit: EmitEvent,
    drops: DropCounters,
    measurements: Measurements,
  ) {
    this.#measurements = measurements;
    this.#batch = batch;
    this.#drops = drops;
    this.#emit = emit;
    this.#enrolment = new EnrolmentSink(this, drops);
    this.#reader = new ControlReader(ports.pool);
    this.#writer = new ControlWriter(ports.pool);
  }

  /** @param path undefined when the datagram came on a path that is not attached: only ATTACH counts then. */
  read(
    peer: Peer,
    path: Path | undefined,
    pathNumber: number,
    origin: Origin,
    offset: number,
    length: number,
    nowMs: number,
  ): void {
    this.#peer = peer;
    this.#path = path;
    this.#pathNumber = pathNumber;
    this.#origin = origin;
    this.#messageBytes = length;
    this.#nowMs = nowMs;
    this.#answersLeft = ANSWERS_PER_DATAGRAM;
    const skipped = this.#skippedMessages;
    this.#reader.read(offset, length, peer.enrolling ? this.#enrolment : this);
    this.#drops["control-refused"] += this.#skippedMessages - skipped;
  }

  // ---- what came

  onProbe(probeId: number): void {
    const path = this.#path;
    if (path === undefined || this.#peer === undefined || !this.#mayAnswer()) return;
    const { receivedCount, highestCounter } = path.monitor;
    this.#send(this.#peer, path, (writer) => writer.probeReply(probeId, 0, receivedCount, highestCounter));
  }

  onProbeReply(probeId: number, heldUs: number, receivedCount: number, highestCounter: number): void {
    const path = this.#path;
    path?.monitor.onProbeReply(probeId, heldUs, receivedCount, highestCounter, this.#nowMs);
    path?.lossWatch.onReport(highestCounter, highestCounter - receivedCount);
  }

  onAttach(messageId: number, json: string): void {
    const peer = this.#peer;
    if (peer === undefined || this.#pathNumber >= MAX_PATHS || !this.#mayAnswer()) return;
    if (this.#path !== undefined) {
      this.attachAck(peer, this.#path, messageId, this.#nowMs);
      return;
    }
    if (!this.#mayAsk(peer)) return;
    const { socket, endpoints, endpointIndex } = this.#origin;
    this.#emit({
      type: "attach-requested",
      peerId: peer.id,
      pathNumber: this.#pathNumber,
      socket,
      endpoint: endpoints.slice(endpointIndex * ENDPOINT_WORDS, (endpointIndex + 1) * ENDPOINT_WORDS),
      messageId,
      json,
    });
  }

  onAttachAck(_messageId: number): void {
    const path = this.#path;
    if (path === undefined || path.attached || this.#peer === undefined) return;
    path.attached = true;
    this.#emit({ type: "attached", peerId: this.#peer.id, pathNumber: path.number, name: path.name });
  }

  onDetach(): void {
    const path = this.#path;
    if (path === undefined || this.#peer === undefined || !this.#mayAsk(this.#peer)) return;
    this.#emit({ type: "detached", peerId: this.#peer.id, pathNumber: path.number, name: path.name });
  }

  onConfig(messageId: number, json: string): void {
    if (this.#peer === undefined || this.#path === undefined || !this.#mayAsk(this.#peer)) return;
    this.#send(this.#peer, this.#path, (writer) => writer.configAck(messageId));
    this.#emit({ type: "config-received", peerId: this.#peer.id, json });
  }

  onConfigAck(messageId: number): void {
    this.#peer?.configDelivered(messageId);
  }

  onClose(reason: number): void {
    if (this.#peer === undefined || !this.#mayAsk(this.#peer)) return;
    this.#emit({ type: "closed", peerId: this.#peer.id, reason });
  }

  onMtuProbe(probeId: number, sizeBytes: number): void {
    if (this.#peer === undefined || this.#path === undefined || !this.#mayAnswer()) return;
    this.#send(this.#peer, this.#path, (writer) => writer.mtuAck(probeId, sizeBytes));
  }

  onMtuAck(probeId: number, sizeBytes: number): void {
    this.#path?.mtuSearch.onMtuAck(probeId, sizeBytes, this.#nowMs);
  }

  onFeedback(feedback: FeedbackReader): void {
    this.#peer?.sender?.onFeedback(feedback, this.#nowMs);
  }

  onHeld(steadyPaths: number, evenPaths: number): void {
    this.#peer?.sender?.onHeld(steadyPaths, evenPaths);
  }

  onEnrol(messageId: number, json: string): void {
    const peer = this.#peer;
    const path = this.#path;
    if (peer === undefined || path === undefined || !this.#mayAsk(peer)) return;
    if (!peer.enrolling) {
      this.#drops["control-refused"]++;
      return;
    }
    this.#emit({ type: "enrol-requested", peerId: peer.id, pathNumber: path.number, messageId, json });
  }

  /** Nobody asks for one here: a client that enrols has no packet loop yet. */
  onEnrolReply(_messageId: number, _json: string): void {
    this.#drops["control-refused"]++;
  }

  onBondMtu(mtu: number): void {
    if (this.#peer !== undefined) this.#peer.farInnerMtu = Math.max(MIN_INNER_MTU, mtu);
  }

  onObserve(question: Observe): void {
    if (this.#peer === undefined || !this.#mayAnswer()) return;
    this.#measurements.onObserve(this.#peer, this.#origin, this.#pathNumber, question, this.#nowMs);
  }

  onObserved(answer: Observed): void {
    if (this.#peer === undefined || !this.#mayAnswer()) return;
    this.#measurements.onObserved(this.#peer, this.#origin, answer, this.#nowMs);
  }

  onDelayedReply(question: DelayedReply): void {
    if (this.#peer === undefined || !this.#mayAnswer()) return;
    this.#measurements.onDelayedReply(this.#peer, this.#origin, this.#pathNumber, question, this.#nowMs);
  }

  onLoad(question: Load): void {
    if (this.#peer === undefined || !this.#mayAnswer()) return;
    this.#measurements.onLoad(this.#peer, this.#origin, this.#pathNumber, question, this.#nowMs);
  }

  onTrain(train: number, _index: number): void {
    if (this.#peer === undefined) return;
    this.#measurements.onTrain(this.#peer, this.#origin, train, this.#messageBytes, this.#nowMs);
  }

  // ---- what we say

  probe(peer: Peer, path: Path, probeId: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.probe(probeId));
  }

  attach(peer: Peer, path: Path, json: string, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.attach(this.#nextMessageId++, json));
  }

  attachAck(peer: Peer, path: Path, messageId: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.attachAck(messageId));
  }

  detach(peer: Peer, path: Path, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.detach());
  }

  /** @param messageId the same at each repetition. */
  config(peer: Peer, path: Path, messageId: number, json: string, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.config(messageId, json));
  }

  enrolReply(peer: Peer, path: Path, messageId: number, json: string, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.enrolReply(messageId, json));
  }

  newMessageId(): number {
    return this.#nextMessageId++;
  }

  close(peer: Peer, path: Path, reason: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.close(reason));
  }

  /** @param mtuBytes size of the IP packet that is to arrive; the datagram is padded to it. */
  mtuProbe(peer: Peer, path: Path, probeId: number, mtuBytes: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => {
      writer.mtuProbe(probeId, mtuBytes);
      writer.padTo(mtuBytes - path.datagramOverheadBytes);
    });
  }

  bondMtu(peer: Peer, path: Path, mtu: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send(peer, path, (writer) => writer.bondMtu(mtu));
  }

  /** As long as the path takes, to find what its line carries. @returns false without keys. */
  padding(peer: Peer, path: Path, nowMs: number): boolean {
    this.#nowMs = nowMs;
    if (peer.sending === undefined) return false;
    this.#send(peer, path, (writer) => writer.padTo(path.mtuBytes - path.datagramOverheadBytes));
    return true;
  }

  /** What arrived, for a far end that wants to know. @returns false when there was nothing to say, or no keys. */
  feedback(peer: Peer, path: Path, nowMs: number): boolean {
    this.#nowMs = nowMs;
    let written = false;
    this.#send(peer, path, (writer) => {
      written = peer.receiver.reports.write(writer, nowMs);
      const { resequencer } = peer.receiver;
      if (written && resequencer.heldNotice.isDue(nowMs)) writer.held(resequencer.steadyPaths, resequencer.evenPaths);
    });
    return written;
  }

  /** Messages that are cut, or of types this version does not know. */
  get #skippedMessages(): number {
    return this.#reader.malformedMessages + this.#reader.unknownMessages;
  }

  #mayAnswer(): boolean {
    if (this.#answersLeft-- > 0) return true;
    this.#drops["control-refused"]++;
    return false;
  }

  #mayAsk(peer: Peer): boolean {
    if (peer.requests.take(this.#nowMs)) return true;
    this.#drops["control-refused"]++;
    return false;
  }

  #send(peer: Peer, path: Path, write: (writer: ControlWriter) => void): void {
    const epoch = peer.sending;
    if (epoch === undefined) return;
    const offset = this.#batch.borrow();
    if (offset < 0) return;
    this.#writer.begin(offset, ROOM_BYTES);
    write(this.#writer);
    const length = this.#writer.lengthBytes;
    if (length === 0) return;
    this.#batch.add(path, epoch, TYPE_CONTROL, offset, length, this.#nowMs);
    const bytes = length + path.datagramOverheadBytes;
    peer.sender?.onControlSent(path.number, path.nextCounter - 1, bytes, this.#nowMs);
  }
}
