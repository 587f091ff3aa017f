import type { BondSettings } from "../../packages/shared/src/bond/index.ts";
import { encodeAttachInfo, parseConfigPush } from "../../packages/shared/src/config/index.ts";
import type { ForwarderEvent } from "../../packages/shared/src/pipeline/index.ts";
import { HandshakeInitiator, type SessionEpoch, SessionIndexes } from "../../packages/shared/src/session/index.ts";
import { SimEnd } from "./sim-end.ts";
import { CONCENTRATOR, type SimLink } from "./sim-link.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

const PEER_ID = 0;
const FIRST_SOCKET = 10;
/** The virtual wall clock at time 0. */
const WALL_START_MS = 1_700_000_000_000;

export interface SimClientOptions {
  readonly name: string;
  readonly mode: "routed" | "bridged";
  readonly bond: BondSettings;
  readonly privateKey: Uint8Array;
  readonly concentratorKey: Uint8Array;
}

/** The home side, with what its main thread does beyond reading configuration and touching the system. */
export class SimClient extends SimEnd {
  readonly links: readonly SimLink[];
  /** What the concentrator pushed last. */
  addresses: readonly string[] = [];
  innerMtu = 0;
  readonly #initiator: HandshakeInitiator;
  readonly #indexes = new SessionIndexes(this.randomBytes);
  readonly #sockets: number[] = [];
  #nextSocket = FIRST_SOCKET;
  #farRunId: number | undefined;

  constructor(
    network: VirtualNetwork,
    options: SimClientOptions,
    links: readonly SimLink[],
    onFrame: (frame: Uint8Array) => void,
  ) {
    super(options.name, network, { role: "client", mode: options.mode, clientToClient: false }, onFrame);
    this.links = links;
    this.#initiator = this.#createInitiator(options);
    const { mode, bond } = options;
    this.tell({
      type: "add-peer",
      options: { peerId: PEER_ID, name: "concentrator", mode, bond, roams: false, prefixes: [] },
    });
    links.forEach((link, pathNumber) => {
      this.#addPath(link, pathNumber);
    });
    this.network.after(1, () => this.#initiator.start(this.network.nowMs));
  }

  /** As at SIGTERM. */
  stop(): void {
    this.tell({ type: "remove-peer", peerId: PEER_ID, closeReason: 0 });
    this.network.after(5, () => this.kill());
  }

  /** A link's device got another address: as the agent does it, with another socket. */
  readdress(pathNumber: number): void {
    const link = this.links[pathNumber];
    const old = this.#sockets[pathNumber];
    if (link === undefined || old === undefined) return;
    this.tell({ type: "path-interface", peerId: PEER_ID, pathNumber, up: false });
    this.tell({ type: "remove-socket", socket: old });
    link.readdress();
    const socket = this.#openSocket(link, pathNumber);
    const { deviceMtu } = link;
    this.tell({ type: "move-path", peerId: PEER_ID, pathNumber, socket, endpoint: CONCENTRATOR, deviceMtu });
  }

  protected get mainDeadlineMs(): number {
    return this.#initiator.nextDeadlineMs;
  }

  protected onMainTimer(nowMs: number): void {
    this.#initiator.onTimer(nowMs);
  }

  protected onEvent(event: ForwarderEvent): void {
    switch (event.type) {
      case "handshakes":
        for (const { bytes } of event.items) this.#initiator.onDatagram(bytes, this.network.nowMs);
        this.tell({ type: "handshakes-taken", count: event.items.length });
        break;
      case "epoch-forgotten":
        this.#indexes.release(event.localIndex);
        break;
      case "socket-released":
        this.ports.sockets.delete(event.socket);
        break;
      case "config-received":
        this.addresses = parseConfigPush(Buffer.from(event.json))?.addresses ?? this.addresses;
        break;
      case "bond-mtu":
        this.innerMtu = event.mtu;
        break;
      case "peer-silent":
      case "closed":
        this.#initiator.restart(this.network.nowMs);
        break;
      default:
        break;
    }
  }

  #addPath(link: SimLink, pathNumber: number): void {
    link.onArrival = () => this.wake();
    const socket = this.#openSocket(link, pathNumber);
    const { name, metered, deviceMtu } = link;
    const attachJson = encodeAttachInfo({ name, device: `eth${pathNumber}`, metered, settings: {} });
    const place = { peerId: PEER_ID, pathNumber, socket, endpoint: CONCENTRATOR, deviceMtu };
    const options = { ...place, name, metered, told: {}, attachJson, attachMessageId: 0 };
    this.tell({ type: "add-path", options });
  }

  #openSocket(link: SimLink, pathNumber: number): number {
    const socket = this.#nextSocket++;
    this.ports.sockets.set(socket, link.socket);
    this.#sockets[pathNumber] = socket;
    this.tell({ type: "add-socket", socket });
    return socket;
  }

  #createInitiator({ privateKey, concentratorKey: peerPublicKey }: SimClientOptions): HandshakeInitiator {
    const { random } = this.network;
    return new HandshakeInitiator(
      { privateKey, peerPublicKey, encryption: "encrypted", hasAes: true },
      {
        randomBytes: this.randomBytes,
        random,
        wallNowMs: () => WALL_START_MS + this.network.nowMs,
        indexes: this.#indexes,
        runId: Math.floor(random() * 2 ** 32),
      },
      {
        send: (bytes) => this.#sendHandshake(bytes),
        established: (epoch) => this.#onEstablished(epoch),
        event: () => {},
      },
    );
  }

  #sendHandshake(bytes: Uint8Array): void {
    for (const socket of this.#sockets) this.tell({ type: "send-raw", socket, endpoint: CONCENTRATOR, bytes });
  }

  #onEstablished(epoch: SessionEpoch): void {
    const fresh = epoch.farRunId !== this.#farRunId;
    this.#farRunId = epoch.farRunId;
    this.tell({ type: "install-epoch", peerId: PEER_ID, epoch, fresh });
  }
}
