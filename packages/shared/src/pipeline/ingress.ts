import type { Epoch, Path, Peer } from "../peer/index.ts";
import {
  type DatagramView,
  ENDPOINT_WORDS,
  formatEndpoint,
  INNER_HEADER_BYTES,
  OUTER_HANDSHAKE,
  OUTER_OK,
  sameEndpoint,
  TYPE_CONTROL,
  TYPE_DATA,
  TYPE_PARITY,
} from "../wire/index.ts";
import type { ControlChannel } from "./control-channel.ts";
import type { Delivery } from "./delivery.ts";
import type { DropCounters, DropReason } from "./drops.ts";
import type { EmitEvent } from "./events.ts";
import type { HandshakeQueue } from "./handshake-queue.ts";
import { Origin } from "./origin.ts";
import type { PacketPool } from "./packet-pool.ts";
import { ParityReceiver } from "./parity-receiver.ts";
import {
  AUX,
  DESCRIPTOR_WORDS,
  LENGTH,
  OFFSET,
  type PacketPorts,
  SLOT_BYTES,
  SLOT_HEADROOM,
  UDP_RECEIVE_MESSAGES,
} from "./ports.ts";
import type { Reporter } from "./reporter.ts";
import type { SessionTable } from "./session-table.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

/** Datagrams of one socket per round: more would let one line overrun the others' place in the resequencer. */
const UDP_BATCH = 512;
/** The new way of a path that moved may be wider or narrower; the search goes down from here. */
const ROAMED_MTU = 1500;
const LONGEST_BYTES = SLOT_BYTES - SLOT_HEADROOM;

/**
 * From the lines to the TAP:
 *   1. receive a batch of datagrams of one socket     ports.udpRead
 *   2. find the keys; handshakes go to the main thread
 *   3. open the batch                                 ports.open
 *   4. replay check; measure the path, follow its address; note the arrival for the far end    reporter.ts
 *   5. control messages                               control-channel.ts
 *   6. join fragments                                 delivery.ts from here on
 *   7. refuse what this peer may not send
 *   8. remove duplicates, restore the order           reseq/
 *   9. write to the TAP
 * Nothing of a datagram is believed before step 3 found it authentic; nothing here answers a stranger.
 */
export class Ingress {
  readonly #ports: PacketPorts;
  readonly #pool: PacketPool;
  readonly #datagrams: DatagramView;
  readonly #sessions: SessionTable;
  readonly #control: ControlChannel;
  readonly #handshakes: HandshakeQueue;
  readonly #batch: TransmitBatch;
  readonly #delivery: Delivery;
  readonly #reporter: Reporter;
  readonly #parity: ParityReceiver;
  readonly #emit: EmitEvent;
  readonly #drops: DropCounters;
  readonly #arenaOffset: number;
  readonly #origin = new Origin();
  readonly #received = new Int32Array(UDP_BATCH * DESCRIPTOR_WORDS);
  // What step 2 chose, by place in the batch to open.
  readonly #sealed = new Int32Array(UDP_BATCH * DESCRIPTOR_WORDS);
  readonly #plain = new Int32Array(UDP_BATCH * DESCRIPTOR_WORDS);
  readonly #slots = new Int32Array(UDP_BATCH);
  readonly #sources = new Int32Array(UDP_BATCH);
  readonly #types = new Uint8Array(UDP_BATCH);
  readonly #paths = new Uint8Array(UDP_BATCH);
  readonly #counters = new Float64Array(UDP_BATCH);
  readonly #epochs: (Epoch | undefined)[] = new Array<Epoch | undefined>(UDP_BATCH).fill(undefined);
  /** The path that was followed last in this batch, and where to. */
  #followed: Path | undefined;
  #followedIndex = 0;

  constructor(parts: {
    ports: PacketPorts;
    pool: PacketPool;
    datagrams: DatagramView;
    sessions: SessionTable;
    control: ControlChannel;
    handshakes: HandshakeQueue;
    batch: TransmitBatch;
    delivery: Delivery;
    reporter: Reporter;
    emit: EmitEvent;
    drops: DropCounters;
    arenaOffset: number;
  }) {
    this.#ports = parts.ports;
    this.#pool = parts.pool;
    this.#datagrams = parts.datagrams;
    this.#sessions = parts.sessions;
    this.#control = parts.control;
    this.#handshakes = parts.handshakes;
    this.#batch = parts.batch;
    this.#delivery = parts.delivery;
    this.#reporter = parts.reporter;
    this.#parity = new ParityReceiver(parts);
    this.#emit = parts.emit;
    this.#drops = parts.drops;
    this.#arenaOffset = parts.arenaOffset;
    this.#origin.endpoints = new Int32Array(UDP_RECEIVE_MESSAGES * ENDPOINT_WORDS);
  }

  onSocketReadable(socket: number): void {
    const origin = this.#origin;
    origin.socket = socket;
    const count = this.#ports.udpRead(socket, this.#arenaOffset, this.#received, UDP_BATCH, origin.endpoints);
    // Not before: this thread may have been held up, and nothing must seem to have arrived before it was sent.
    const nowMs = this.#ports.nowMs();
    let chosen = 0;
    for (let i = 0; i < count; i++) if (this.#choose(i, chosen)) chosen++;
    if (chosen === 0) return;
    this.#ports.open(this.#sealed, this.#plain, chosen);
    this.#followed = undefined;
    for (let place = 0; place < chosen; place++) {
      if (!this.#onOpened(place, nowMs)) this.#pool.give(this.#slots[place] ?? 0);
    }
    this.#delivery.flush(nowMs);
    this.#reporter.flush(nowMs);
    this.#batch.flush(nowMs);
  }

  /** Step 2. @returns true when datagram i was put at `place` of the batch to open. */
  #choose(i: number, place: number): boolean {
    const from = i * DESCRIPTOR_WORDS;
    const offset = this.#received[from + OFFSET] ?? 0;
    const length = this.#received[from + LENGTH] ?? 0;
    const source = this.#received[from + AUX] ?? 0;
    const datagrams = this.#datagrams;
    const verdict = datagrams.check(offset, length);
    if (verdict === OUTER_HANDSHAKE) {
      const { socket, endpoints } = this.#origin;
      this.#handshakes.push(offset, length, socket, endpoints, source * ENDPOINT_WORDS);
      return false;
    }
    if (verdict !== OUTER_OK || length > LONGEST_BYTES) return this.#refuse("malformed");
    const epoch = this.#sessions.find(datagrams.session(offset));
    if (epoch === undefined) return this.#refuse("unknown-session");
    const slot = this.#pool.take();
    if (slot < 0) return this.#refuse("pool-empty");
    const to = place * DESCRIPTOR_WORDS;
    this.#sealed[to + OFFSET] = offset;
    this.#sealed[to + LENGTH] = length;
    this.#sealed[to + AUX] = epoch.keyIndex;
    this.#plain[to + OFFSET] = this.#delivery.payloadOffset(epoch.peer, slot) - INNER_HEADER_BYTES;
    this.#slots[place] = slot;
    this.#sources[place] = source;
    this.#types[place] = datagrams.type(offset);
    this.#paths[place] = datagrams.path(offset);
    this.#counters[place] = datagrams.counter(offset);
    this.#epochs[place] = epoch;
    return true;
  }

  /** Steps 4 and on. @returns true when the slot was passed on. */
  #onOpened(place: number, nowMs: number): boolean {
    const epoch = this.#epochs[place];
    if (epoch === undefined) return false;
    const at = place * DESCRIPTOR_WORDS;
    const peer = epoch.peer;
    const pathNumber = this.#paths[place] ?? 0;
    const counter = this.#counters[place] ?? 0;
    const plain = this.#plain[at + OFFSET] ?? 0;
    const plainBytes = this.#plain[at + LENGTH] ?? -1;
    const path = peer.paths[pathNumber];
    if (plainBytes < 0) {
      path?.monitor.onForged();
      return this.#refuse("forged");
    }
    if (!epoch.acceptCounter(pathNumber, counter)) return this.#refuse("replayed");
    if (!epoch.confirmed) this.#sessions.confirm(epoch, nowMs);
    peer.heardMs = nowMs;
    this.#origin.endpointIndex = this.#sources[place] ?? 0;
    if (path !== undefined) {
      if (peer.roams) this.#follow(peer, path, counter, nowMs);
      path.monitor.onReceived(counter, this.#sealed[at + LENGTH] ?? 0, nowMs);
    }
    const type = this.#types[place];
    if (path !== undefined && type !== TYPE_DATA) {
      this.#reporter.onControl(peer, path, counter, this.#ipBytes(place, path), nowMs);
    }
    if (type === TYPE_CONTROL) {
      if (path !== undefined) this.#parity.note(peer, path, counter, plain, 0, nowMs);
      this.#control.read(peer, path, pathNumber, this.#origin, plain, plainBytes, nowMs);
      return false;
    }
    if (path === undefined || peer.enrolling) return this.#refuse("unknown-path");
    if (type === TYPE_PARITY) {
      this.#parity.onParity(peer, path, counter, this.#sealed[at + OFFSET] ?? 0, plain, plainBytes, nowMs);
      return false;
    }
    this.#parity.note(peer, path, counter, plain, plainBytes, nowMs);
    this.#reporter.onData(peer, path, counter, this.#ipBytes(place, path), plain, plainBytes, nowMs);
    return this.#delivery.push(peer, path, this.#slots[place] ?? 0, plain, plainBytes, nowMs);
  }

  /** A path answers to where its newest authentic datagram came from: CGNAT rebinding, a new lease, another uplink. */
  #follow(peer: Peer, path: Path, counter: number, nowMs: number): void {
    const { socket, endpoints, endpointIndex } = this.#origin;
    if (path === this.#followed && endpointIndex === this.#followedIndex) return;
    if (counter <= path.monitor.highestCounter) return;
    this.#followed = path;
    this.#followedIndex = endpointIndex;
    if (path.socket === socket && sameEndpoint(path.endpoint, 0, endpoints, endpointIndex)) return;
    const from = formatEndpoint(path.endpoint);
    path.moveTo(socket, endpoints, endpointIndex);
    path.mtuSearch.restart(ROAMED_MTU, nowMs);
    this.#emit({ type: "roamed", peerId: peer.id, member: path.name, from, to: formatEndpoint(path.endpoint) });
  }

  #ipBytes(place: number, path: Path): number {
    return (this.#sealed[place * DESCRIPTOR_WORDS + LENGTH] ?? 0) + path.ipUdpBytes;
  }

  #refuse(reason: DropReason): false {
    this.#drops[reason]++;
    return false;
  }
}
