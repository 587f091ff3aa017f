import { setImmediate } from "node:timers/promises";
import { EnrolClient } from "../../packages/client/src/join/enrol-client.ts";
import { ClientDirectory } from "../../packages/concentrator/src/client-directory.ts";
import { InviteRegister, InviteSessions, Pairing } from "../../packages/concentrator/src/pairing/index.ts";
import {
  type ConcentratorConfig,
  checkConfigText,
  decodeInvite,
  type EnrolReply,
  type EnrolRequest,
  encodeEnrolRequest,
  keysOfInvite,
  resolveBond,
} from "../../packages/shared/src/config/index.ts";
import { createEventLog, type EventLog } from "../../packages/shared/src/control/index.ts";
import { formatKey, publicKeyOf } from "../../packages/shared/src/crypto/index.ts";
import type { ForwarderEvent } from "../../packages/shared/src/pipeline/index.ts";
import { HandshakeResponder, SessionIndexes } from "../../packages/shared/src/session/index.ts";
import { randomInteger } from "./random.ts";
import { SimEnd } from "./sim-end.ts";
import { CONCENTRATOR, endpointKey, SimLink, type SimLinkOptions } from "./sim-link.ts";
import { type SimDatagram, SimPorts } from "./sim-ports.ts";
import { keyOf } from "./sim-world.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

const SOCKET = 10;
/** The virtual wall clock at time 0. */
const WALL_START_MS = 1_700_000_000_000;
/** Between two looks at what waits for a promise. */
const STEP_MS = 10;

export interface SimPairingOptions {
  /** Further lines of [concentrator]. */
  readonly more?: string;
  readonly registerFile: string;
  /** Networks of the concentrator's host. */
  readonly hostNetworks?: readonly string[];
}

/** The concentrator's packet loop, handshakes and pairing, as its server puts them together. */
export class SimPairing extends SimEnd {
  readonly pairing: Pairing;
  readonly clients: ClientDirectory;
  readonly publicKey = publicKeyOf(keyOf(0));
  readonly responder: HandshakeResponder;
  /** Events of the log. */
  readonly events: Record<string, unknown>[] = [];
  /** Datagrams sent. */
  sentCount = 0;
  readonly #links: SimLink[] = [];

  constructor(network: VirtualNetwork, { more = "", registerFile, hostNetworks = [] }: SimPairingOptions) {
    const config = configOf(more);
    const { mode, clientToClient } = config.concentrator;
    super("concentrator", network, { role: "concentrator", mode, clientToClient }, () => {});
    this.clients = new ClientDirectory(config);
    this.responder = this.#createResponder();
    this.pairing = new Pairing({
      log: this.#createLog(),
      config,
      configFile: "/etc/wanbond/concentrator.toml",
      publicKey: this.publicKey,
      clients: this.clients,
      register: new InviteRegister(registerFile),
      sessions: new InviteSessions({
        send: (command) => this.tell(command),
        newPeerId: () => this.clients.newPeerId(),
        mode,
        bond: resolveBond(undefined),
      }),
      responder: this.responder,
      wallNowMs: () => WALL_START_MS + network.nowMs,
      nowMs: () => network.nowMs,
      hostNetworks: async () => hostNetworks,
      endpoints: async () => [{ host: "203.0.113.1", port: 51900, family: 4 }],
      clientAdded: ({ config: { name: id, publicKey, encryption } }) =>
        this.responder.addPeer({ id, publicKey, encryption }),
      clientRemoved: (client) => {
        this.responder.removePeer(client.config.publicKey);
        this.clients.remove(client);
      },
      describeClients: async () => [],
    });
    this.pairing.start();
    this.ports.sockets.set(SOCKET, { inbox: [], send: (datagram) => this.#sendDown(datagram) });
    this.tell({ type: "add-socket", socket: SOCKET });
  }

  /** A line whose other end is this concentrator. */
  connect(options: SimLinkOptions): SimLink {
    const link = new SimLink(this.network, this.#links.length, options, (datagram) => this.receive(datagram));
    this.#links.push(link);
    return link;
  }

  receive(datagram: SimDatagram): void {
    if (!this.running) return;
    this.ports.sockets.get(SOCKET)?.inbox.push(datagram);
    this.wake();
  }

  protected get mainDeadlineMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  protected onMainTimer(): void {}

  protected onEvent(event: ForwarderEvent): void {
    if (this.pairing.enrolments.onEvent(event) || event.type !== "handshakes") return;
    for (const { bytes, ...source } of event.items) this.responder.onDatagram(bytes, source, this.network.nowMs);
    this.tell({ type: "handshakes-taken", count: event.items.length });
  }

  #sendDown(datagram: SimDatagram): number {
    this.sentCount++;
    const key = endpointKey(datagram.endpoint);
    this.#links.find((link) => endpointKey(link.publicEndpoint) === key)?.sendDown(datagram);
    return 1;
  }

  #createResponder(): HandshakeResponder {
    const { randomBytes } = this;
    return new HandshakeResponder(
      { privateKey: keyOf(0), hasAes: true },
      { randomBytes, indexes: new SessionIndexes(randomBytes), runId: randomInteger(this.network.random, 2 ** 32) },
      {
        send: (bytes, { socket, endpoint }) => this.tell({ type: "send-raw", socket, endpoint, bytes }),
        established: (id, epoch) => void this.pairing.enrolments.onEstablished(id, epoch),
      },
    );
  }

  #createLog(): EventLog {
    const write = (line: string) => void this.events.push(JSON.parse(line));
    return createEventLog({ role: "concentrator", level: "info", pretty: false, write });
  }
}

/** A router that joins: the sockets of its lines, and what `wanbond client join` does with them. */
export class SimJoiner {
  readonly client: EnrolClient;
  readonly ports: SimPorts;
  readonly publicKey: string;
  /** Its session goes on after the reply, as only a client of ill will lets it. */
  staysOpen = false;
  #ended = false;

  /** @param number of its own key pair. @param links of the concentrator's. @param more of the request, or all of it */
  constructor(
    network: VirtualNetwork,
    line: string,
    number: number,
    links: readonly SimLink[],
    more: Partial<EnrolRequest> | string = {},
  ) {
    this.publicKey = formatKey(publicKeyOf(keyOf(number)));
    this.ports = new SimPorts(network, () => {});
    links.forEach((link, socket) => void this.ports.sockets.set(socket, link.socket));
    const invite = decodeInvite(line);
    const plain = { version: 1 as const, publicKey: this.publicKey, lan: [], lanGiven: false, inUse: [] };
    this.client = new EnrolClient({
      ports: this.ports,
      lines: links.map(({ name }, socket) => ({ socket, record: CONCENTRATOR, uplink: name })),
      ...keysOfInvite(invite),
      concentratorKey: invite.concentratorKey,
      request: typeof more === "string" ? more : encodeEnrolRequest({ ...plain, ...more }),
      hasAes: true,
      randomBytes: (size) => Uint8Array.from({ length: size }, () => randomInteger(network.random, 256)),
      random: network.random,
      wallNowMs: () => WALL_START_MS + network.nowMs,
    });
    this.client.start(network.nowMs);
    network.every(STEP_MS / 2, () => this.#turn(network.nowMs));
  }

  #turn(nowMs: number): void {
    if (this.#ended) return;
    for (const [socket, { inbox }] of this.ports.sockets) if (inbox.length > 0) this.client.onReadable(socket, nowMs);
    this.client.onTimer(nowMs);
    if (this.client.reply === null || this.staysOpen) return;
    this.client.close(nowMs);
    this.#ended = true;
  }
}

/** Lets time pass until all have their reply, or it is up. Promises get their turn in between. */
export async function untilReplied(
  network: VirtualNetwork,
  joiners: readonly SimJoiner[],
  limitMs = 20_000,
): Promise<(EnrolReply | null)[]> {
  const untilMs = network.nowMs + limitMs;
  while (network.nowMs < untilMs && joiners.some(({ client }) => client.reply === null)) await pass(network, STEP_MS);
  await pass(network, 500);
  return joiners.map(({ client }) => client.reply);
}

export async function pass(network: VirtualNetwork, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += STEP_MS) {
    network.run(network.nowMs + STEP_MS);
    await setImmediate();
  }
}

function configOf(more: string): ConcentratorConfig {
  const text = `[concentrator]\nlisten = ["0.0.0.0:51900"]\nprivateKeyFile = "k"\n${more}`;
  const checked = checkConfigText(text, "concentrator.toml");
  if (checked.role !== "concentrator") throw new Error("unreachable: it has a [concentrator] table alone");
  return checked.config;
}
