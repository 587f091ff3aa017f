import { randomBytes } from "node:crypto";
import {
  type ConcentratorConfig,
  type ConcentratorKeys,
  encodeConfigPush,
  parseAttachInfo,
  parseBondingPush,
  pushFor,
  registerFile,
  resolveBond,
} from "@wanbond/shared/config";
import type { MemberHistory, StatusSnapshot } from "@wanbond/shared/control";
import { ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import {
  BRIDGED_TAP_MTU,
  bondStatus,
  FAR_MAC,
  logForwarderEvent,
  memberHistory,
  type OpenTap,
  openTap,
  type ProgramContext,
  RepeatedTask,
  type Running,
  warnOfFirewalls,
} from "@wanbond/shared/runtime";
import { HandshakeResponder, type SessionEpoch, SessionIndexes } from "@wanbond/shared/session";
import { readDefaultRoutes, readNetworksInUse } from "@wanbond/shared/system";
import { CLOSE_REMOVED, formatEndpoint } from "@wanbond/shared/wire";
import { type Client, ClientDirectory } from "./client-directory.ts";
import { clientEntries } from "./client-entries.ts";
import { HandshakeLog } from "./handshake-log.ts";
import { openListeners } from "./listeners.ts";
import { reconcileNetwork } from "./nat/index.ts";
import { InviteRegister, InviteSessions, Pairing } from "./pairing/index.ts";
import { requireOwnEndpoints } from "./public-endpoints.ts";
import { RunIdentities } from "./run-identities.ts";
import { SecondPort } from "./second-port.ts";

/** IPv6 takes its addresses away from a device below this (RFC 8200); larger packets than fit are fragmented by us. */
const SMALLEST_TAP_MTU = 1280;
/** The system is looked at this often even if rtnetlink says nothing. */
const RECONCILE_MS = 10_000;

/** Starts the internet side: TAP, sockets, forwarder, NAT, and waits for clients. @param configFile for sentences. */
export async function startServer(
  context: ProgramContext,
  config: ConcentratorConfig,
  keys: ConcentratorKeys,
  configFile: string,
): Promise<Running> {
  const register = new InviteRegister(registerFile(config.concentrator));
  const listeners = openListeners(config.concentrator.listen);
  const tap = await openTap(context.runner, config.concentrator.tap);
  const server = new Server({ context, config, keys, configFile, register, tap, listeners });
  await server.start();
  return server;
}

type AttachRequest = Extract<ForwarderEvent, { type: "attach-requested" }>;

interface ServerParts {
  readonly context: ProgramContext;
  readonly config: ConcentratorConfig;
  readonly keys: ConcentratorKeys;
  readonly configFile: string;
  readonly register: InviteRegister;
  readonly tap: OpenTap;
  readonly listeners: readonly number[];
}

class Server implements Running {
  readonly pairing: Pairing;
  readonly #context: ProgramContext;
  readonly #config: ConcentratorConfig;
  readonly #tap: OpenTap;
  readonly #listeners: readonly number[];
  readonly #thread: ForwarderThread;
  readonly #secondPort: SecondPort;
  readonly #responder: HandshakeResponder;
  readonly #handshakeLog: HandshakeLog;
  readonly #indexes = new SessionIndexes(randomBytes);
  readonly #clients: ClientDirectory;
  readonly #identities = new RunIdentities();
  readonly #reconciliation: RepeatedTask;
  readonly #startedMs = native().nowMs();

  constructor(parts: ServerParts) {
    const { context, config, keys, tap, listeners } = parts;
    this.#context = context;
    this.#config = config;
    this.#tap = tap;
    this.#listeners = listeners;
    this.#clients = new ClientDirectory(config);
    this.#thread = this.#startThread();
    this.#secondPort = new SecondPort(this.#thread, context.log, config.concentrator.listen);
    this.#responder = this.#createResponder(keys);
    this.#handshakeLog = new HandshakeLog(context.log, this.#responder.drops);
    this.#reconciliation = new RepeatedTask(() => this.#reconcile(), RECONCILE_MS);
    this.pairing = this.#createPairing(parts);
  }

  async start(): Promise<void> {
    const { log, runner } = this.#context;
    const { tap, listen, mode } = this.#config.concentrator;
    if (!this.#tap.offloads.tso) {
      log.warn({ event: "no-tap-offload" }, "the kernel hands over frames one by one: expect a quarter of the speed");
    }
    this.pairing.start();
    await this.#reconciliation.runNow();
    if (mode === "routed") await warnOfFirewalls(log, runner, tap);
    for (const socket of this.#listeners) this.#thread.send({ type: "add-socket", socket });
    log.info({ event: "ready", listen, tap, clients: this.#clients.all.length }, "waiting for clients");
  }

  async stop(): Promise<void> {
    this.#secondPort.close();
    await this.#reconciliation.stop();
    for (const { peerId } of this.#clients.all) this.#thread.send({ type: "remove-peer", peerId, closeReason: 0 });
    await this.#thread.stop();
    for (const socket of this.#listeners) native().close(socket);
    native().close(this.#tap.fd);
  }

  async read(): Promise<StatusSnapshot> {
    const { drops, peers } = await this.#thread.snapshot();
    return {
      version: 1,
      role: "concentrator",
      pid: process.pid,
      uptimeMs: native().nowMs() - this.#startedMs,
      tap: this.#config.concentrator.tap,
      drops: { ...drops, ...prefixed("handshake-", this.#responder.drops) },
      bonds: this.#clients.all.map((client) =>
        bondStatus(
          client.config.name,
          client.bond,
          client.config.address.map(({ text }) => text),
          peers.find(({ peerId }) => peerId === client.peerId),
          ({ pathNumber }) => ({ device: client.devices.get(pathNumber) ?? null, local: null }),
        ),
      ),
      fallback: null,
    };
  }

  async history(peer: string, path: number): Promise<MemberHistory> {
    const client = this.#clients.byName(peer);
    if (client === undefined) return { seconds: [], events: [] };
    return memberHistory(await this.#thread.history(client.peerId, path), native().nowMs());
  }

  // ---- the forwarder

  #startThread(): ForwarderThread {
    const { mode, clientToClient } = this.#config.concentrator;
    const options = { role: "concentrator", mode, tap: this.#tap.fd, clientToClient } as const;
    return new ForwarderThread(
      { ...options, tapMac: this.#tap.mac, farMac: FAR_MAC },
      (event) => this.#onEvent(event),
      (error) => this.#context.fail(error),
    );
  }

  #onEvent(event: ForwarderEvent): void {
    if (this.pairing.onEvent(event)) return;
    const client = "peerId" in event ? this.#clients.byPeerId(event.peerId) : undefined;
    if (client !== undefined) {
      logForwarderEvent(this.#context.log, event, client.config.name);
      this.#onClientEvent(client, event);
      return;
    }
    logForwarderEvent(this.#context.log, event, "");
    switch (event.type) {
      case "handshakes":
        this.#onHandshakes(event);
        break;
      case "epoch-forgotten":
        this.#indexes.release(event.localIndex);
        break;
      case "network-changed":
        this.#reconciliation.request();
        break;
      default:
        break; // of a client that is gone
    }
  }

  #onClientEvent(client: Client, event: ForwarderEvent): void {
    switch (event.type) {
      case "session-confirmed":
      case "rekeyed":
        this.#onConfirmed(client);
        break;
      case "attach-requested":
        this.#attach(client, event);
        break;
      case "config-received":
        this.#onTold(client, event.json);
        break;
      case "second-port-wanted":
        this.#secondPort.open();
        break;
      case "detached":
        this.#thread.send({ type: "remove-path", peerId: client.peerId, pathNumber: event.pathNumber });
        break;
      case "closed":
        this.#thread.send({ type: "remove-peer", peerId: client.peerId, closeReason: null });
        client.runId = undefined;
        client.lastSeenMs = Date.now();
        break;
      case "bond-mtu":
        client.innerMtu = event.mtu;
        this.#reconciliation.request();
        break;
      default:
        break; // only logged
    }
  }

  // ---- handshakes

  #createResponder(keys: ConcentratorKeys): HandshakeResponder {
    const responder = new HandshakeResponder(
      { privateKey: keys.privateKey, hasAes: native().hasAesInstructions() },
      { randomBytes, indexes: this.#indexes, runId: randomBytes(4).readUInt32LE() },
      {
        send: (bytes, { socket, endpoint }) => this.#thread.send({ type: "send-raw", socket, endpoint, bytes }),
        established: (id, epoch, { endpoint }) => {
          if (!this.pairing.onEstablished(id, epoch)) this.#onEstablished(id, epoch, formatEndpoint(endpoint));
        },
      },
    );
    for (const { config } of this.#clients.all) {
      const presharedKey = keys.presharedKeys.get(config.name) ?? new Uint8Array(32);
      const { name: id, publicKey, encryption } = config;
      responder.addPeer({ id, publicKey, presharedKey, encryption });
    }
    return responder;
  }

  #onHandshakes(event: Extract<ForwarderEvent, { type: "handshakes" }>): void {
    const nowMs = native().nowMs();
    this.#responder.onQueueDepth(event.waiting, nowMs);
    for (const { bytes, socket, endpoint } of event.items) {
      this.#responder.onDatagram(bytes, { socket, endpoint }, nowMs);
      this.#handshakeLog.onHandled(endpoint, nowMs);
    }
    this.#thread.send({ type: "handshakes-taken", count: event.items.length });
  }

  /** @param from where the handshake came from, for the log. */
  #onEstablished(name: string, epoch: SessionEpoch, from: string): void {
    const client = this.#clients.byName(name);
    if (client === undefined) return;
    const { peerId } = client;
    if (this.#identities.onHandshake(name, epoch.farRunId, epoch.createdMs)) {
      const sentence = "two programs run with this client's key and take the session from each other: stop one of them";
      this.#context.log.error({ event: "identity-shared", client: name, from }, sentence);
    }
    this.#handshakeLog.onAnswered(name, epoch.createdMs);
    if (client.runId === undefined) this.#addPeer(client);
    const fresh = client.runId !== epoch.farRunId;
    client.runId = epoch.farRunId;
    this.#thread.send({ type: "install-epoch", peerId, epoch, fresh });
    if (!fresh) return;
    client.announced = false;
    this.#push(client);
  }

  /** Tells a client its addresses, routes and settings. */
  #push({ peerId, config }: Client): void {
    const all = { ...this.#config, client: this.#clients.all.map((client) => client.config) };
    const json = encodeConfigPush(pushFor(all, config));
    this.#thread.send({ type: "send-config", peerId, json });
  }

  /** It has shown that it holds the keys. */
  #onConfirmed(client: Client): void {
    const { name } = client.config;
    this.#handshakeLog.onConfirmed(name);
    if (client.announced) return;
    client.announced = true;
    const fields = { event: "client-connected", client: name, policy: client.bond.policy };
    this.#context.log.info(fields, "a client has begun a session");
  }

  #addPeer({ peerId, config, bond }: Client): void {
    const { mode } = this.#config.concentrator;
    const prefixes = [...config.address.map(hostPrefix), ...config.routes.map(({ text }) => text)];
    this.#thread.send({
      type: "add-peer",
      options: { peerId, name: config.name, mode, bond, roams: true, prefixes },
    });
  }

  // ---- clients that come and go

  #createPairing({ context, config, keys, configFile, register }: ServerParts): Pairing {
    const { log, runner } = context;
    const { tap, listen, endpoints, mode } = config.concentrator;
    return new Pairing({
      log,
      config,
      configFile,
      publicKey: keys.publicKey,
      clients: this.#clients,
      register,
      sessions: new InviteSessions({
        send: (command) => this.#thread.send(command),
        newPeerId: () => this.#clients.newPeerId(),
        mode,
        bond: resolveBond(undefined),
      }),
      responder: this.#responder,
      wallNowMs: Date.now,
      nowMs: native().nowMs,
      hostNetworks: () => readNetworksInUse(runner, [tap]),
      endpoints: async () => (endpoints.length > 0 ? endpoints : requireOwnEndpoints(runner, listen, configFile)),
      clientAdded: (client) => this.#addClient(client),
      clientRemoved: (client) => this.#removeClient(client),
      describeClients: async () => clientEntries(this.#clients.all, (await this.#thread.snapshot()).peers, Date.now()),
    });
  }

  #addClient(client: Client): void {
    const { name: id, publicKey, encryption } = client.config;
    this.#responder.addPeer({ id, publicKey, encryption });
    this.#onClientsChanged();
  }

  #removeClient(client: Client): void {
    this.#responder.removePeer(client.config.publicKey);
    this.#thread.send({ type: "remove-peer", peerId: client.peerId, closeReason: CLOSE_REMOVED });
    this.#clients.remove(client);
    this.#identities.forget(client.config.name);
    this.#onClientsChanged();
  }

  #onClientsChanged(): void {
    this.#reconciliation.request();
    if (!this.#config.concentrator.clientToClient) return;
    for (const client of this.#clients.all) if (client.runId !== undefined) this.#push(client);
  }

  // ---- what clients say

  #attach(client: Client, request: AttachRequest): void {
    const info = parseAttachInfo(Buffer.from(request.json));
    if (info === null) {
      this.#context.log.warn({ event: "attach-refused", client: client.config.name }, "a path of an unknown version");
      return;
    }
    const { pathNumber, socket, endpoint, messageId } = request;
    if (info.device !== undefined) client.devices.set(pathNumber, info.device);
    this.#thread.send({
      type: "add-path",
      options: {
        peerId: client.peerId,
        pathNumber,
        socket,
        endpoint,
        name: info.name,
        metered: info.metered,
        told: {},
        deviceMtu: 1500,
        attachJson: null,
        attachMessageId: messageId,
      },
    });
    const fields = {
      event: "path-attached",
      client: client.config.name,
      member: info.name,
      device: info.device ?? null,
    };
    this.#context.log.info(fields, "a client has added a path");
  }

  #onTold(client: Client, json: string): void {
    const bonding = parseBondingPush(Buffer.from(json));
    if (bonding === null || !this.#clients.takeBonding(client, bonding)) return;
    this.#thread.send({ type: "set-bond", peerId: client.peerId, bond: client.bond });
    const fields = { event: "bonding-taken", client: client.config.name, policy: client.bond.policy };
    this.#context.log.info(fields, "the client's bonding settings count for this direction too");
  }

  // ---- the system

  async #reconcile(): Promise<void> {
    const { log, runner, changes } = this.#context;
    const { tap, mode, bridge, mtu, address, nat, nat66, clientToClient } = this.#config.concentrator;
    try {
      const report = await reconcileNetwork(changes, {
        tap,
        mode,
        bridge,
        mtu: mtu === "auto" ? this.#tapMtu() : mtu,
        addresses: address.map(({ text }) => text),
        nat,
        nat66,
        clientToClient,
        clients: this.#clients.all.map(({ config }) => ({
          name: config.name,
          addresses: config.address.map(hostPrefix),
          routes: config.routes.map(({ text }) => text),
        })),
        defaultRoutes: await readDefaultRoutes(runner),
      });
      if (report.healed.length > 0)
        log.warn({ event: "healed", changes: report.healed }, "mended what was changed by others");
      for (const { key, problem } of report.failed) {
        log.error({ event: "change-failed", change: key, problem }, "a change of the system failed; tried again");
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      log.error({ event: "reconcile-failed", problem }, "the system could not be looked at; tried again");
    }
  }

  /** One TAP for all: as wide as the widest client; for the others the MSS is clamped and frames are fragmented. */
  #tapMtu(): number {
    if (this.#config.concentrator.mode === "bridged") return BRIDGED_TAP_MTU;
    return Math.max(SMALLEST_TAP_MTU, ...this.#clients.all.map(({ innerMtu }) => innerMtu));
  }
}

function hostPrefix({ address }: { readonly address: string }): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

function prefixed(prefix: string, counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, count]) => [prefix + name, count]));
}
