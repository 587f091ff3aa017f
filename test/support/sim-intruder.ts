import { HandshakeInitiator, type SessionEpoch, SessionIndexes } from "../../packages/shared/src/session/index.ts";
import {
  ControlReader,
  type ControlSink,
  ControlWriter,
  DatagramView,
  INNER_HEADER_BYTES,
  OUTER_HEADER_BYTES,
  TYPE_CONTROL,
  TYPE_DATA,
} from "../../packages/shared/src/wire/index.ts";
import { randomInteger } from "./random.ts";
import { endpointOf } from "./sim-link.ts";
import { SimPorts } from "./sim-ports.ts";
import { keyOf, type SimWorld } from "./sim-world.ts";

const KEY = 0;
const PLAIN_AT = 8192;
const SEALED_AT = 16_384;

/** Fields of a data datagram's inner header; what is left out is 0. */
export interface InnerFields {
  readonly flags?: number;
  readonly flowSlot?: number;
  readonly sequence?: number;
}

/** A client with valid keys that sends whatever it likes, and answers probes. Time passes only when the test says so. */
export class SimIntruder {
  /** Bytes and datagrams the concentrator has sent to it. */
  answeredBytes = 0;
  answeredCount = 0;
  sentBytes = 0;
  readonly endpoint: Int32Array;
  readonly #world: SimWorld;
  readonly #ports: SimPorts;
  readonly #view: DatagramView;
  readonly #counters = new Map<number, number>();
  #epoch: SessionEpoch | undefined;

  /** @param account number of the client whose keys it has. */
  constructor(world: SimWorld, account: number) {
    this.#world = world;
    this.endpoint = endpointOf(`192.0.2.66:${6666 + account}`);
    this.#ports = new SimPorts(world.network, () => {});
    this.#view = new DatagramView(this.#ports.pool);
    const initiator = this.#createInitiator(account);
    world.strangers.set(this.endpoint, ({ bytes }) => {
      this.answeredBytes += bytes.length;
      this.answeredCount++;
      if (bytes[0] === TYPE_CONTROL) this.#answer(bytes);
      initiator.onDatagram(bytes, world.nowMs);
    });
    initiator.start(world.nowMs);
    world.run(100);
    if (this.#epoch === undefined) throw new Error("no handshake");
  }

  control(path: number, messages: Uint8Array): void {
    this.#send(TYPE_CONTROL, path, messages);
  }

  data(path: number, { flags = 0, flowSlot = 0, sequence = 0 }: InnerFields, payload: Uint8Array): void {
    const plain = new Uint8Array(INNER_HEADER_BYTES + payload.length);
    new DatagramView(plain).writeInner(0, flags, Math.floor(this.#world.nowMs * 250), flowSlot, sequence);
    plain.set(payload, INNER_HEADER_BYTES);
    this.#send(TYPE_DATA, path, plain);
  }

  #send(type: number, path: number, plaintext: Uint8Array): void {
    const counter = this.#counters.get(path) ?? 0;
    this.#counters.set(path, counter + 1);
    this.#ports.pool.set(plaintext, PLAIN_AT);
    this.#view.writeOuter(SEALED_AT, type, path, this.#epoch?.remoteIndex ?? 0, counter);
    const sealed = Int32Array.of(SEALED_AT, 0, 0, 0);
    this.#ports.seal(Int32Array.of(PLAIN_AT, plaintext.length, 0, KEY), sealed, 1);
    const bytes = this.#ports.pool.slice(SEALED_AT, SEALED_AT + (sealed[1] ?? OUTER_HEADER_BYTES));
    this.sentBytes += bytes.length;
    this.#world.concentrator.receive({ bytes, endpoint: this.endpoint });
  }

  #answer(bytes: Uint8Array): void {
    this.#ports.pool.set(bytes, SEALED_AT);
    const plain = Int32Array.of(PLAIN_AT, 0, 0, 0);
    this.#ports.open(Int32Array.of(SEALED_AT, bytes.length, 0, KEY), plain, 1);
    const control = this.#ports.pool.slice(PLAIN_AT, PLAIN_AT + Math.max(0, plain[1] ?? 0));
    const onProbe = (probeId: number) => {
      const reply = new Uint8Array(64);
      const writer = new ControlWriter(reply);
      writer.begin(0, reply.length);
      writer.probeReply(probeId, 0, this.answeredCount, this.answeredCount);
      this.control(this.#view.path(SEALED_AT), reply.slice(0, writer.lengthBytes));
    };
    const others = { get: (sink: object, name: string) => Reflect.get(sink, name) ?? (() => {}) };
    new ControlReader(control).read(0, control.length, new Proxy({ onProbe }, others) as ControlSink);
  }

  #createInitiator(account: number): HandshakeInitiator {
    const world = this.#world;
    const { random } = world.network;
    const randomBytes = (size: number) => Uint8Array.from({ length: size }, () => randomInteger(random, 256));
    return new HandshakeInitiator(
      { privateKey: keyOf(account + 1), peerPublicKey: world.concentratorKey, encryption: "encrypted", hasAes: true },
      {
        randomBytes,
        random,
        wallNowMs: () => 1_700_000_000_000 + world.nowMs,
        indexes: new SessionIndexes(randomBytes),
        runId: 666,
      },
      {
        send: (bytes) => world.concentrator.receive({ bytes, endpoint: this.endpoint }),
        established: (epoch) => {
          this.#epoch = epoch;
          this.#ports.setKey(KEY, epoch.cipher, epoch.sendKey, "seal");
          this.#ports.setKey(KEY, epoch.cipher, epoch.receiveKey, "open");
        },
        event: () => {},
      },
    );
  }
}
