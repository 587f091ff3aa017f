import type { Peer } from "../peer/index.ts";
import type { Random } from "../units.ts";
import { ControlWriter, DatagramView } from "../wire/index.ts";
import { BridgedPeers } from "./bridged-peers.ts";
import { Caretaker } from "./caretaker.ts";
import type { ForwarderCommand } from "./commands.ts";
import { ControlChannel } from "./control-channel.ts";
import { Delivery } from "./delivery.ts";
import type { Destinations } from "./destinations.ts";
import { createDropCounters } from "./drops.ts";
import { Egress, TAP_BATCH } from "./egress.ts";
import { EthernetWriter, type MacAddress } from "./ethernet-writer.ts";
import type { EmitEvent } from "./events.ts";
import { FrameSender } from "./frame-sender.ts";
import { HandshakeQueue } from "./handshake-queue.ts";
import { Ingress } from "./ingress.ts";
import { KeptFrames } from "./kept-frames.ts";
import { type MeasurementNeeds, Measurements } from "./measurements.ts";
import { PacketPool } from "./packet-pool.ts";
import { PeerFactory } from "./peer-factory.ts";
import { PeerKeeper } from "./peer-keeper.ts";
import { type PacketPorts, SLOT_BYTES, UDP_RECEIVE_ARENA_BYTES } from "./ports.ts";
import { Reporter } from "./reporter.ts";
import { RoutedPeers } from "./routed-peers.ts";
import { SessionTable } from "./session-table.ts";
import { SideSender } from "./side-sender.ts";
import { SinglePeer } from "./single-peer.ts";
import { snapshotOf } from "./snapshot.ts";
import { TapWriter } from "./tap-writer.ts";
import { TRANSMIT_ARENA_BYTES, TransmitBatch } from "./transmit-batch.ts";

/** Slots for frames under way and held by the resequencers. Touched only as they are used. */
const SLOTS = 16_384;
/** What a forwarder needs of its ports' pool. */
export const POOL_BYTES = SLOTS * SLOT_BYTES + TRANSMIT_ARENA_BYTES + UDP_RECEIVE_ARENA_BYTES;

/** A path without one: what it is given is counted as unreachable. */
const NO_SOCKET = -1;
/** Timers are looked at no more often than this while packets flow; between looks a deadline may pass by as much. */
const TIMER_GRAIN_MS = 1;
/** A TAP that always has more must not keep the sockets waiting. */
const TAP_ROUNDS = 2;

export interface ForwarderOptions {
  readonly tap: number;
  readonly role: "client" | "concentrator";
  readonly mode: "routed" | "bridged";
  readonly clientToClient: boolean;
  readonly tapMac: MacAddress;
  readonly farMac: MacAddress;
  readonly random: Random;
  readonly needs: MeasurementNeeds;
}

/**
 * The packet loop without its clock and its descriptors: told what is readable and what time it is, it moves packets
 * through its ports. Commands come from the main thread, events go there.
 */
export class Forwarder {
  readonly sockets: number[] = [];
  /** onTapReadable() is to be called again, whether the TAP is readable or not: no poll tells of what is left of a super-frame. */
  tapHasMore = false;
  readonly #ports: PacketPorts;
  readonly #options: ForwarderOptions;
  readonly #emit: EmitEvent;
  readonly #drops = createDropCounters();
  readonly #sessions: SessionTable;
  readonly #destinations: Destinations;
  readonly #control: ControlChannel;
  readonly #caretaker: Caretaker;
  readonly #batch: TransmitBatch;
  readonly #egress: Egress;
  readonly #ingress: Ingress;
  readonly #delivery: Delivery;
  readonly #reporter: Reporter;
  readonly #measurements: Measurements;
  readonly #handshakes: HandshakeQueue;
  readonly #factory: PeerFactory;
  readonly #keeper: PeerKeeper;
  #nextTimerMs = 0;

  constructor(ports: PacketPorts, options: ForwarderOptions, emit: EmitEvent) {
    this.#ports = ports;
    this.#options = options;
    this.#emit = emit;
    const drops = this.#drops;
    const pool = new PacketPool(SLOTS, 0);
    const datagrams = new DatagramView(ports.pool);
    const transmitArena = SLOTS * SLOT_BYTES;
    this.#batch = new TransmitBatch(ports, pool, datagrams, transmitArena, drops);
    this.#sessions = new SessionTable(ports, emit);
    this.#destinations = createDestinations(options);
    const side = new SideSender(ports, pool, datagrams, new ControlWriter(ports.pool));
    this.#measurements = new Measurements(side, emit, drops, options.needs);
    this.#control = new ControlChannel(ports, this.#batch, emit, drops, this.#measurements);
    this.#caretaker = new Caretaker(this.#control, this.#sessions, emit);
    this.#handshakes = new HandshakeQueue(ports.pool, drops);
    const sender = new FrameSender(ports, datagrams, this.#batch, drops);
    this.#egress = new Egress(ports, pool, sender, this.#batch, this.#destinations, drops);
    const due = { slots: new Int32Array(SLOTS), count: 0 };
    const control = this.#control;
    const link = { ports, sender, batch: this.#batch, control, kept: new KeptFrames(SLOTS), pool, drops };
    this.#factory = new PeerFactory({ ports, pool, control, due, random: options.random, emit, link });
    this.#delivery = new Delivery({
      ports,
      pool,
      datagrams,
      destinations: this.#destinations,
      egress: this.#egress,
      tap: new TapWriter(ports, pool, options.tap, drops),
      ethernet: new EthernetWriter(ports.pool, options.tapMac, options.farMac),
      due,
      drops,
    });
    this.#keeper = new PeerKeeper({
      control,
      sessions: this.#sessions,
      destinations: this.#destinations,
      batch: this.#batch,
      delivery: this.#delivery,
      measurements: this.#measurements,
      factory: this.#factory,
    });
    this.#reporter = new Reporter(datagrams, this.#control);
    this.#ingress = new Ingress({
      ports,
      pool,
      datagrams,
      sessions: this.#sessions,
      control: this.#control,
      handshakes: this.#handshakes,
      batch: this.#batch,
      delivery: this.#delivery,
      reporter: this.#reporter,
      emit,
      drops,
      arenaOffset: transmitArena + TRANSMIT_ARENA_BYTES,
    });
  }

  /** Frames from the TAP wait. */
  onTapReadable(): void {
    this.tapHasMore = true;
    for (let round = 0; round < TAP_ROUNDS && this.tapHasMore; round++) {
      this.tapHasMore = this.#egress.onTapReadable(this.#options.tap) === TAP_BATCH;
    }
    this.#wakeSoon();
  }

  onSocketReadable(socket: number): void {
    this.#ingress.onSocketReadable(socket);
    const handshakes = this.#handshakes.take();
    if (handshakes !== undefined) {
      this.#emit({ type: "handshakes", items: handshakes, waiting: this.#handshakes.outstanding });
    }
    this.#wakeSoon();
  }

  get nextDeadlineMs(): number {
    return this.#nextTimerMs;
  }

  /** Harmless when called early or twice. */
  onTimer(nowMs: number): void {
    if (nowMs < this.#nextTimerMs) return;
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const peer of this.#destinations.peers()) {
      deadlineMs = Math.min(
        deadlineMs,
        this.#caretaker.onTimer(peer, nowMs),
        this.#delivery.onTimer(peer, nowMs),
        this.#reporter.onTimer(peer, nowMs),
        this.#measurements.onTimer(peer, nowMs),
        peer.sender?.onTimer(nowMs) ?? Number.POSITIVE_INFINITY,
      );
    }
    this.#batch.flush(nowMs);
    this.#nextTimerMs = Math.max(deadlineMs, nowMs + TIMER_GRAIN_MS);
  }

  onCommand(command: ForwarderCommand, nowMs: number): void {
    switch (command.type) {
      case "add-socket":
        this.sockets.push(command.socket);
        break;
      case "remove-socket":
        this.#removeSocket(command.socket);
        break;
      case "add-peer":
        this.#keeper.addPeer(command.options, nowMs);
        break;
      case "use-peer":
        this.#destinations.use(command.peerId);
        break;
      case "attend-peer":
        this.#withPeer(command.peerId, (peer) => {
          for (const path of peer.paths) path?.monitor.attend(nowMs);
        });
        break;
      case "remove-peer":
        this.#withPeer(command.peerId, (peer) => this.#keeper.removePeer(peer, command.closeReason, nowMs));
        break;
      case "install-epoch":
        this.#withPeer(command.peerId, (peer) => {
          if (command.fresh) this.#keeper.startAnew(peer, nowMs);
          this.#sessions.install(peer, command.epoch, nowMs);
          this.#keeper.showKeys(peer, nowMs);
        });
        break;
      case "add-path":
        this.#withPeer(command.options.peerId, (peer) => this.#keeper.addPath(peer, command.options, nowMs));
        break;
      case "move-path":
        this.#withPeer(command.peerId, (peer) => {
          const path = peer.paths[command.pathNumber];
          path?.moveTo(command.socket, command.endpoint, 0);
          path?.mtuSearch.restart(command.deviceMtu, nowMs);
          path?.monitor.onInterface(true, nowMs);
        });
        break;
      case "remove-path":
        this.#withPeer(command.peerId, (peer) => this.#keeper.removePath(peer, command.pathNumber, nowMs));
        break;
      case "path-interface":
        this.#withPeer(command.peerId, (peer) =>
          peer.paths[command.pathNumber]?.monitor.onInterface(command.up, nowMs),
        );
        break;
      case "send-raw":
        this.#batch.sendRaw(command.socket, command.endpoint, command.bytes);
        break;
      case "send-config":
        this.#withPeer(command.peerId, (peer) => {
          peer.pendingConfig = { messageId: this.#control.newMessageId(), json: command.json, nextMs: nowMs };
          peer.nextQualityMs = nowMs;
        });
        break;
      case "send-enrol-reply":
        this.#withPeer(command.peerId, (peer) => {
          const path = peer.paths[command.pathNumber];
          if (path !== undefined) this.#control.enrolReply(peer, path, command.messageId, command.json, nowMs);
        });
        break;
      case "set-bond":
        this.#withPeer(command.peerId, (peer) => {
          this.#delivery.release(peer, nowMs);
          this.#factory.replaceBond(peer, command.bond, nowMs);
        });
        break;
      case "set-prefixes":
        this.#destinations.setPrefixes(command.peerId, command.prefixes);
        break;
      case "measure":
        this.#withPeer(command.peerId, (peer) => this.#measurements.ask(peer, command, command.question, nowMs));
        break;
      case "second-port":
        this.#measurements.secondPort = command.port;
        break;
      case "handshakes-taken":
        this.#handshakes.onTaken(command.count);
        break;
      case "snapshot":
        this.#emit({
          type: "snapshot",
          id: command.id,
          snapshot: snapshotOf(this.#drops, this.#destinations.peers(), nowMs),
        });
        break;
      case "history": {
        const sender = this.#destinations.peer(command.peerId)?.sender;
        const history = sender?.history(command.pathNumber) ?? { seconds: [], events: [] };
        this.#emit({ type: "history", id: command.id, history });
        break;
      }
      case "stop":
        break;
    }
    this.#batch.flush(nowMs);
    this.#nextTimerMs = nowMs;
  }

  #wakeSoon(): void {
    this.#nextTimerMs = Math.min(this.#nextTimerMs, this.#ports.nowMs() + TIMER_GRAIN_MS);
  }

  #withPeer(peerId: number, act: (peer: Peer) => void): void {
    const peer = this.#destinations.peer(peerId);
    if (peer !== undefined) act(peer);
  }

  #removeSocket(socket: number): void {
    const at = this.sockets.indexOf(socket);
    if (at >= 0) this.sockets.splice(at, 1);
    for (const peer of this.#destinations.peers()) {
      for (const path of peer.paths) if (path?.socket === socket) path.socket = NO_SOCKET;
    }
    this.#emit({ type: "socket-released", socket });
  }
}

function createDestinations(options: ForwarderOptions): Destinations {
  if (options.mode === "bridged") return new BridgedPeers(options.clientToClient);
  return options.role === "client" ? new SinglePeer() : new RoutedPeers(options.clientToClient);
}
