import type { BondSettings } from "../../packages/shared/src/bond/index.ts";
import { encodeConfigPush, parseAttachInfo } from "../../packages/shared/src/config/index.ts";
import type { ForwarderEvent } from "../../packages/shared/src/pipeline/index.ts";
import { HandshakeResponder, type SessionEpoch, SessionIndexes } from "../../packages/shared/src/session/index.ts";
import { SimEnd } from "./sim-end.ts";
import type { SimDatagram, SimSocket } from "./sim-ports.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

const SOCKET = 10;

/** A client as the concentrator is configured for it; its place in the list is its number. */
export interface SimAccount {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly address: string;
  readonly bond: BondSettings;
}

export interface SimConcentratorOptions {
  readonly mode: "routed" | "bridged";
  readonly clientToClient: boolean;
  readonly privateKey: Uint8Array;
  readonly accounts: readonly SimAccount[];
}

/** The internet side, with what its main thread does beyond reading configuration and touching the system. */
export class SimConcentrator extends SimEnd {
  readonly responder: HandshakeResponder;
  readonly #socket: SimSocket;
  readonly #options: SimConcentratorOptions;
  readonly #indexes = new SessionIndexes(this.randomBytes);
  /** By number of the client; a client without one is not connected. */
  readonly #runIds = new Map<number, number>();

  /** @param send carries a datagram to wherever its endpoint leads. */
  constructor(
    network: VirtualNetwork,
    options: SimConcentratorOptions,
    send: (datagram: SimDatagram) => void,
    onFrame: (frame: Uint8Array) => void,
  ) {
    const { mode, clientToClient } = options;
    super("concentrator", network, { role: "concentrator", mode, clientToClient }, onFrame);
    this.#options = options;
    this.responder = this.#createResponder();
    this.#socket = {
      inbox: [],
      send: (datagram) => {
        send(datagram);
        return 1;
      },
    };
    this.ports.sockets.set(SOCKET, this.#socket);
    this.tell({ type: "add-socket", socket: SOCKET });
  }

  /** Session indexes in use. */
  get indexCount(): number {
    return this.#indexes.size;
  }

  /** A datagram has come through the net. */
  receive(datagram: SimDatagram): void {
    if (!this.running) return;
    this.#socket.inbox.push(datagram);
    this.wake();
  }

  /** As at SIGTERM. */
  stop(): void {
    for (const peerId of this.#runIds.keys()) this.tell({ type: "remove-peer", peerId, closeReason: 0 });
    this.network.after(5, () => this.kill());
  }

  protected get mainDeadlineMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected onMainTimer(): void {}

  protected onEvent(event: ForwarderEvent): void {
    switch (event.type) {
      case "handshakes":
        this.#onHandshakes(event);
        break;
      case "epoch-forgotten":
        this.#indexes.release(event.localIndex);
        break;
      case "attach-requested":
        this.#attach(event);
        break;
      case "detached":
        this.tell({ type: "remove-path", peerId: event.peerId, pathNumber: event.pathNumber });
        break;
      case "closed":
        this.tell({ type: "remove-peer", peerId: event.peerId, closeReason: null });
        this.#runIds.delete(event.peerId);
        break;
      default:
        break;
    }
  }

  #createResponder(): HandshakeResponder {
    const { privateKey, accounts } = this.#options;
    const { randomBytes } = this;
    const responder = new HandshakeResponder(
      { privateKey, hasAes: true },
      { randomBytes, indexes: this.#indexes, runId: Math.floor(this.network.random() * 2 ** 32) },
      {
        send: (bytes, { socket, endpoint }) => this.tell({ type: "send-raw", socket, endpoint, bytes }),
        established: (name, epoch) => this.#onEstablished(name, epoch),
      },
    );
    for (const { name: id, publicKey } of accounts) responder.addPeer({ id, publicKey, encryption: "encrypted" });
    return responder;
  }

  #onHandshakes(event: Extract<ForwarderEvent, { type: "handshakes" }>): void {
    const { nowMs } = this.network;
    this.responder.onQueueDepth(event.waiting, nowMs);
    for (const { bytes, ...source } of event.items) this.responder.onDatagram(bytes, source, nowMs);
    this.tell({ type: "handshakes-taken", count: event.items.length });
  }

  #onEstablished(name: string, epoch: SessionEpoch): void {
    const peerId = this.#options.accounts.findIndex((account) => account.name === name);
    const account = this.#options.accounts[peerId];
    if (account === undefined) return;
    if (!this.#runIds.has(peerId)) this.#addPeer(peerId, account);
    const fresh = this.#runIds.get(peerId) !== epoch.farRunId;
    this.#runIds.set(peerId, epoch.farRunId);
    this.tell({ type: "install-epoch", peerId, epoch, fresh });
    if (fresh) this.tell({ type: "send-config", peerId, json: this.#pushFor(account) });
  }

  #addPeer(peerId: number, { name, bond, address }: SimAccount): void {
    const { mode } = this.#options;
    this.tell({
      type: "add-peer",
      options: { peerId, name, mode, bond, roams: true, prefixes: [`${address}/32`] },
    });
  }

  #pushFor({ name, address }: SimAccount): string {
    const { mode } = this.#options;
    const addresses = mode === "routed" ? [`${address}/24`] : [];
    return encodeConfigPush({
      version: 1,
      name,
      mode,
      addresses,
      routes: [],
      lan: [],
      mtu: null,
      bonding: null,
      concentratorAddresses: [],
    });
  }

  #attach(request: Extract<ForwarderEvent, { type: "attach-requested" }>): void {
    const info = parseAttachInfo(Buffer.from(request.json));
    if (info === null) return;
    const { peerId, pathNumber, socket, endpoint, messageId: attachMessageId } = request;
    const { name, metered } = info;
    const place = { peerId, pathNumber, socket, endpoint, deviceMtu: 1500 };
    this.tell({ type: "add-path", options: { ...place, name, metered, told: {}, attachJson: null, attachMessageId } });
  }
}
