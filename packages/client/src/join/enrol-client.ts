import { type EnrolReply, encodeAttachInfo, parseEnrolReply } from "@wanbond/shared/config";
import {
  AUX,
  DESCRIPTOR_WORDS,
  LENGTH,
  OFFSET,
  type PacketPorts,
  UDP_RECEIVE_ARENA_BYTES,
  UDP_RECEIVE_MESSAGES,
} from "@wanbond/shared/pipeline";
import { HandshakeInitiator, type SessionEpoch, SessionIndexes } from "@wanbond/shared/session";
import {
  CLOSE_STOPPING,
  ControlReader,
  type ControlSink,
  ControlWriter,
  DatagramView,
  ENDPOINT_WORDS,
  OUTER_HANDSHAKE,
  OUTER_OK,
  TYPE_CONTROL,
} from "@wanbond/shared/wire";

/** Between two sendings of what is not answered. */
const REPEAT_MS = 500;
/** A session that says nothing for so long is begun anew, over whatever line answers then. */
const SESSION_PATIENCE_MS = 4_000;
/** Datagrams of one look at a socket; PacketPorts asks for no less than 64. */
const BATCH = 64;

const ARENA_AT = 0;
const PLAIN_AT = UDP_RECEIVE_ARENA_BYTES;
const SEALED_AT = PLAIN_AT + 2048;
const OPENED_AT = SEALED_AT + 2048;
/** What an enrolment needs of its ports' pool. */
export const ENROL_POOL_BYTES = OPENED_AT + 65_536;
const ROOM_BYTES = 1400;
const KEY = 0;
const FIRST = new Int32Array(1);

/** One way to the concentrator: an uplink's socket and an address. */
export interface EnrolLine {
  readonly socket: number;
  /** Endpoint record. */
  readonly record: Int32Array;
  readonly uplink: string;
}

export interface EnrolClientParts {
  readonly ports: PacketPorts;
  readonly lines: readonly EnrolLine[];
  /** The identity that the invite lends. */
  readonly privateKey: Uint8Array;
  readonly presharedKey: Uint8Array;
  readonly concentratorKey: Uint8Array;
  /** JSON of the request. */
  readonly request: string;
  readonly hasAes: boolean;
  randomBytes(size: number): Uint8Array;
  random(): number;
  wallNowMs(): number;
}

/**
 * The short session of an invite: a handshake over every line at once, then, over the line whose answer came first, ATTACH
 * and ENROL until the reply is there. A state machine without sockets of its own; its owner says what is readable and when.
 */
export class EnrolClient {
  /** What the concentrator said; null before. */
  reply: EnrolReply | null = null;
  /** The line that the session runs over; undefined before the handshake. */
  line: EnrolLine | undefined;
  /** Datagrams that were none of ours, or damaged. */
  refusedCount = 0;
  readonly #parts: EnrolClientParts;
  readonly #initiator: HandshakeInitiator;
  readonly #datagrams: DatagramView;
  readonly #writer: ControlWriter;
  readonly #reader: ControlReader;
  readonly #received = new Int32Array(BATCH * DESCRIPTOR_WORDS);
  readonly #endpoints = new Int32Array(UDP_RECEIVE_MESSAGES * ENDPOINT_WORDS);
  readonly #sink: ControlSink;
  #from: EnrolLine | undefined;
  #epoch: SessionEpoch | undefined;
  #counter = 0;
  #attached = false;
  #nextSendMs = Number.POSITIVE_INFINITY;
  #nowMs = 0;

  constructor(parts: EnrolClientParts) {
    this.#parts = parts;
    const { pool } = parts.ports;
    this.#datagrams = new DatagramView(pool);
    this.#writer = new ControlWriter(pool);
    this.#reader = new ControlReader(pool);
    this.#sink = this.#createSink();
    this.#initiator = this.#createInitiator();
  }

  /** The concentrator's number of the session; 0 before there is one. */
  get remoteIndex(): number {
    return this.#epoch?.remoteIndex ?? 0;
  }

  get nextDeadlineMs(): number {
    return Math.min(this.#initiator.nextDeadlineMs, this.#nextSendMs);
  }

  start(nowMs: number): void {
    this.#initiator.start(nowMs);
  }

  onTimer(nowMs: number): void {
    this.#nowMs = nowMs;
    const epoch = this.#epoch;
    if (epoch !== undefined && nowMs - epoch.createdMs >= SESSION_PATIENCE_MS) {
      this.#epoch = undefined;
      this.#nextSendMs = Number.POSITIVE_INFINITY;
      this.#initiator.restart(nowMs);
    }
    this.#initiator.onTimer(nowMs);
    if (nowMs >= this.#nextSendMs) this.#ask();
  }

  onReadable(socket: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#from = this.#parts.lines.find((line) => line.socket === socket);
    const count = this.#parts.ports.udpRead(socket, ARENA_AT, this.#received, BATCH, this.#endpoints);
    for (let index = 0; index < count; index++) this.#onDatagram(index * DESCRIPTOR_WORDS, nowMs);
  }

  /** Lets the concentrator forget the session. */
  close(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#send((writer) => writer.close(CLOSE_STOPPING));
    this.#initiator.stop();
  }

  #onDatagram(at: number, nowMs: number): void {
    const offset = this.#received[at + OFFSET] ?? 0;
    const length = this.#received[at + LENGTH] ?? 0;
    const verdict = this.#datagrams.check(offset, length);
    if (verdict === OUTER_HANDSHAKE) {
      this.#initiator.onDatagram(this.#parts.ports.pool.slice(offset, offset + length), nowMs);
    } else if (verdict !== OUTER_OK || !this.#open(offset, length)) this.refusedCount++;
  }

  /** @returns false for what is not of this session. */
  #open(offset: number, length: number): boolean {
    const epoch = this.#epoch;
    if (epoch === undefined || this.#datagrams.session(offset) !== epoch.localIndex) return false;
    const sealed = Int32Array.of(offset, length, 0, KEY);
    const plain = Int32Array.of(OPENED_AT, 0, 0, 0);
    if (this.#parts.ports.open(sealed, plain, 1) !== 1) return false;
    if (this.#datagrams.type(offset) === TYPE_CONTROL) this.#reader.read(OPENED_AT, plain[LENGTH] ?? 0, this.#sink);
    return true;
  }

  #ask(): void {
    this.#nextSendMs = this.#nowMs + REPEAT_MS;
    if (this.reply !== null || this.line === undefined) this.#nextSendMs = Number.POSITIVE_INFINITY;
    else if (this.#attached) this.#send((writer) => writer.enrol(1, this.#parts.request));
    else {
      const json = encodeAttachInfo({ name: "invite", metered: true, settings: {} });
      this.#send((writer) => writer.attach(1, json));
    }
  }

  #send(write: (writer: ControlWriter) => boolean): void {
    const { line } = this;
    const { ports, lines } = this.#parts;
    if (this.#epoch === undefined || line === undefined) return;
    this.#writer.begin(PLAIN_AT, ROOM_BYTES);
    write(this.#writer);
    const path = lines.indexOf(line);
    this.#datagrams.writeOuter(SEALED_AT, TYPE_CONTROL, path, this.#epoch.remoteIndex, this.#counter++);
    const plain = Int32Array.of(PLAIN_AT, this.#writer.lengthBytes, 0, 0);
    plain[AUX] = KEY;
    const sealed = Int32Array.of(SEALED_AT, 0, 0, 0);
    ports.seal(plain, sealed, 1);
    // What the line does not take now is sent again.
    ports.udpWrite(line.socket, line.record, 0, sealed, FIRST, 1);
  }

  #onEstablished(epoch: SessionEpoch): void {
    this.#epoch = epoch;
    this.#attached = false;
    this.line = this.#from;
    this.#parts.ports.setKey(KEY, epoch.cipher, epoch.sendKey, "seal");
    this.#parts.ports.setKey(KEY, epoch.cipher, epoch.receiveKey, "open");
    this.#ask();
  }

  #createInitiator(): HandshakeInitiator {
    const { privateKey, presharedKey, concentratorKey, hasAes, randomBytes, random, wallNowMs } = this.#parts;
    const runId = Buffer.from(randomBytes(4)).readUInt32LE();
    return new HandshakeInitiator(
      { privateKey, peerPublicKey: concentratorKey, presharedKey, encryption: "encrypted", hasAes },
      { randomBytes, random, wallNowMs, indexes: new SessionIndexes(randomBytes), runId },
      {
        send: (datagram) => this.#sendToAll(datagram),
        established: (epoch) => this.#onEstablished(epoch),
        event: () => {},
      },
    );
  }

  #sendToAll(datagram: Uint8Array): void {
    const { ports, lines } = this.#parts;
    ports.pool.set(datagram, SEALED_AT);
    const descriptor = Int32Array.of(SEALED_AT, datagram.byteLength, 0, 0);
    for (const { socket, record } of lines) ports.udpWrite(socket, record, 0, descriptor, FIRST, 1);
  }

  /** Of a session that is there for one question, three messages matter. */
  #createSink(): ControlSink {
    const nothing = () => {};
    return {
      onProbe: nothing,
      onProbeReply: nothing,
      onAttach: nothing,
      onAttachAck: () => {
        if (this.#attached) return;
        this.#attached = true;
        this.#ask();
      },
      onDetach: nothing,
      onConfig: nothing,
      onConfigAck: nothing,
      onClose: nothing,
      onMtuProbe: nothing,
      onMtuAck: nothing,
      onBondMtu: nothing,
      onFeedback: nothing,
      onHeld: nothing,
      onObserve: nothing,
      onObserved: nothing,
      onDelayedReply: nothing,
      onLoad: nothing,
      onTrain: nothing,
      onEnrol: nothing,
      onEnrolReply: (_messageId, json) => {
        this.reply ??= parseEnrolReply(json);
      },
    };
  }
}
