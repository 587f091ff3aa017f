import { randomBytes } from "node:crypto";
import {
  type BondSettings,
  type ClientConfig,
  type ConfigPush,
  encodeAttachInfo,
  encodeBondingPush,
  formatEndpoint,
  parseConfigPush,
  resolveBond,
} from "@wanbond/shared/config";
import type { BondStatus, EventLog } from "@wanbond/shared/control";
import { type ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent, PeerSnapshot } from "@wanbond/shared/pipeline";
import { bondStatus, DeadlineTimer } from "@wanbond/shared/runtime";
import { HandshakeInitiator, type SessionEpoch, type SessionIndexes } from "@wanbond/shared/session";
import { CLOSE_REMOVED } from "@wanbond/shared/wire";
import { HandshakeLog } from "../handshake-log.ts";
import { type ResolvedUplink, UplinkPaths, type UplinkTraits, uplinkSettings } from "../uplink/index.ts";

/** A line may fail between a handshake and the first probe, but hardly so often. */
const MAX_VAIN_KEYS = 2;

/** What all links to concentrators have in common. */
export interface LinkParts {
  readonly config: ClientConfig;
  readonly log: EventLog;
  readonly thread: ForwarderThread;
  readonly privateKey: Uint8Array;
  readonly indexes: SessionIndexes;
  /** Drawn at the start of this program. */
  readonly runId: number;
}

/** What a link tells its owner. */
export interface LinkSink {
  /** It has other wishes of the system than before: look at it. */
  changed(): void;
  /** Its concentrator has told how this client is to be set up. */
  pushed(link: ConcentratorLink): void;
}

/** One concentrator: the session with it, the paths to it, and what it told us. */
export class ConcentratorLink {
  readonly peerId: number;
  readonly name: string;
  /** Settings of our sending direction. */
  get bond(): BondSettings {
    return this.#bond;
  }
  /** It carries the traffic, or would if it could; the others are in reserve. */
  inUse = false;
  /** undefined before the first session. */
  push: ConfigPush | undefined;
  /** Largest inner packet that its narrowest member carries; undefined before one has shown it. */
  innerMtu: number | undefined;
  /** There are keys, a usable path, and a push: it can carry traffic. */
  get ready(): boolean {
    return this.#reachable && this.push !== undefined;
  }
  /** Of the best path; null when unknown. */
  rttMs: number | null = null;
  readonly #parts: LinkParts;
  readonly #sink: LinkSink;
  readonly #initiator: HandshakeInitiator;
  readonly #timer: DeadlineTimer;
  readonly #handshakeLog: HandshakeLog;
  readonly #paths: UplinkPaths;
  #reachable = false;
  /** What tells the concentrator that we have started anew, when it changes. */
  #runId: number;
  /** Handshakes in a row after which no path came to life. */
  #vainKeys = 0;
  /** It has put us out, and has not taken us in again since. */
  #removed = false;
  #bond: BondSettings;
  /** Drawn by the concentrator at its start; another one means that it has started anew. */
  #farRunId: number | undefined;

  /** @param index in the list of concentrators, which is also its number in the forwarder. */
  constructor(
    index: number,
    concentrator: ClientConfig["concentrators"][number],
    presharedKey: Uint8Array | null,
    parts: LinkParts,
    sink: LinkSink,
  ) {
    this.peerId = index;
    this.name = concentrator.name;
    this.#parts = parts;
    this.#runId = parts.runId;
    this.#sink = sink;
    this.#bond = resolveBond(parts.config.bonding);
    this.#handshakeLog = new HandshakeLog(parts.log, concentrator.endpoints.map(formatEndpoint));
    this.#initiator = this.#createInitiator(concentrator.publicKey, presharedKey);
    this.#timer = new DeadlineTimer(this.#initiator, native().nowMs);
    this.#paths = new UplinkPaths(
      parts.thread,
      parts.log,
      index,
      concentrator.endpoints,
      (uplink) => this.#traitsOf(uplink),
      () => sink.changed(),
    );
  }

  /** Before the first update: the forwarder hears of the peer. */
  open(): void {
    const { thread, config } = this.#parts;
    const options = { peerId: this.peerId, name: this.name, mode: config.client.mode, bond: this.#bond };
    thread.send({ type: "add-peer", options: { ...options, roams: false, prefixes: [] } });
  }

  /** Begins to ask for keys. */
  start(): void {
    this.#initiator.start(native().nowMs());
    this.#timer.arm();
  }

  /** Says goodbye; what is sent to the forwarder is carried out before it stops. */
  stop(): void {
    this.#timer.stop();
    this.#parts.thread.send({ type: "remove-peer", peerId: this.peerId, closeReason: 0 });
  }

  /** For the end: the forwarder does not run any more. */
  closeSockets(): void {
    this.#paths.closeAll();
  }

  /** The uplinks are these now. A new socket before there are keys is reason to ask at once. */
  update(uplinks: readonly ResolvedUplink[]): void {
    if (this.#paths.update(uplinks) && this.push === undefined) this.#askForKeys();
  }

  /** A handshake datagram; nothing happens when it is no answer to this link. */
  onHandshake(bytes: Uint8Array): void {
    this.#initiator.onDatagram(bytes, native().nowMs());
    this.#timer.arm();
  }

  /** What the forwarder says of this peer. */
  onEvent(event: ForwarderEvent): void {
    switch (event.type) {
      case "config-received":
        this.#onPush(event.json);
        break;
      case "bond-mtu":
        this.innerMtu = event.mtu;
        this.#sink.changed();
        break;
      case "peer-reachable":
        this.#reachable = event.reachable;
        if (event.reachable) this.#vainKeys = 0;
        this.rttMs = event.rttMs;
        break;
      case "closed":
        if (event.reason === CLOSE_REMOVED) this.#onRemoved();
        this.#beginAnew();
        this.#askForKeys();
        break;
      case "peer-silent":
        if (this.#vainKeys >= MAX_VAIN_KEYS) this.#beginAnew();
        this.#askForKeys();
        break;
      default:
        break; // only logged
    }
  }

  status(peers: readonly PeerSnapshot[]): BondStatus {
    const peer = peers.find(({ peerId }) => peerId === this.peerId);
    const facts = ({ pathNumber }: { pathNumber: number }) => this.#paths.factsOf(pathNumber);
    const status = bondStatus(this.name, this.#bond, this.push?.addresses ?? [], peer, facts, this.inUse);
    return this.#removed ? { ...status, reason: "removed by the concentrator" } : status;
  }

  /** How its concentrator is reached over an uplink: a record. null: not at all at present. */
  endpointOf(uplink: string): Int32Array | null {
    return this.#paths.endpointOf(uplink);
  }

  // ---- the handshake

  #createInitiator(peerPublicKey: Uint8Array, presharedKey: Uint8Array | null): HandshakeInitiator {
    const { config, privateKey, indexes } = this.#parts;
    const run = (): number => this.#runId;
    const { encryption } = config.client;
    const keys = { privateKey, peerPublicKey, presharedKey: presharedKey ?? new Uint8Array(32) };
    return new HandshakeInitiator(
      { ...keys, encryption, hasAes: native().hasAesInstructions() },
      {
        randomBytes,
        random: Math.random,
        wallNowMs: Date.now,
        indexes,
        get runId() {
          return run();
        },
      },
      {
        send: (datagram) => this.#paths.sendHandshake(datagram, !this.inUse),
        established: (epoch) => this.#onEstablished(epoch),
        event: (event) => this.#handshakeLog.onEvent(event, native().nowMs()),
      },
    );
  }

  /**
   * The concentrator has forgotten our paths: it has closed the session, or it answers handshakes and nothing else, because
   * another program with our key had the session meanwhile. Both ends begin their numbering again then.
   */
  #beginAnew(): void {
    this.#runId = randomBytes(4).readUInt32LE();
    this.#farRunId = undefined;
    this.#vainKeys = 0;
  }

  #askForKeys(): void {
    this.#initiator.restart(native().nowMs());
    this.#timer.arm();
  }

  #onEstablished(epoch: SessionEpoch): void {
    const { thread, config } = this.#parts;
    this.#handshakeLog.onEstablished();
    this.#removed = false;
    if (!this.#reachable) this.#vainKeys++;
    const fresh = epoch.farRunId !== this.#farRunId;
    this.#farRunId = epoch.farRunId;
    thread.send({ type: "install-epoch", peerId: this.peerId, epoch, fresh });
    if (fresh && config.bonding !== undefined) {
      thread.send({ type: "send-config", peerId: this.peerId, json: encodeBondingPush(config.bonding) });
    }
  }

  // ---- what the concentrator says

  /** It says so on every path. */
  #onRemoved(): void {
    if (this.#removed) return;
    this.#removed = true;
    const sentence = "the concentrator has put this client out; to come back it needs an invite: wanbond client join";
    this.#parts.log.error({ event: "removed", peer: this.name }, sentence);
  }

  #onPush(json: string): void {
    const { log, config, thread } = this.#parts;
    const push = parseConfigPush(Buffer.from(json));
    if (push === null) {
      const sentence = "the concentrator's configuration is of a version this client does not know";
      log.error({ event: "push-refused", peer: this.name }, sentence);
      return;
    }
    if (push.mode !== config.client.mode) {
      const fields = { event: "mode-differs", peer: this.name, here: config.client.mode, there: push.mode };
      log.error(fields, "set the same mode on both sides: nothing can pass");
      return;
    }
    this.push = push;
    this.#compareLan(push);
    if (config.bonding === undefined && push.bonding !== null) {
      this.#bond = resolveBond(push.bonding, push.name);
      thread.send({ type: "set-bond", peerId: this.peerId, bond: this.#bond });
    }
    this.#sink.pushed(this);
  }

  /** Replies to a LAN that the concentrator does not route would go nowhere. */
  #compareLan(push: ConfigPush): void {
    const { config, log } = this.#parts;
    const missing = config.client.lan.map(({ text }) => text).filter((network) => !push.lan.includes(network));
    if (missing.length === 0) return;
    const fields = { event: "lan-not-routed", peer: this.name, networks: missing };
    log.warn(fields, "add these networks to the client's routes in the concentrator's file");
  }

  #traitsOf({ name, device }: ResolvedUplink): UplinkTraits {
    const { metered, mtu } = uplinkSettings(this.#parts.config, name);
    return { metered, mtu, attachJson: encodeAttachInfo({ name, device, metered, settings: {} }) };
  }
}
