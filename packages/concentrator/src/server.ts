import { randomBytes } from "node:crypto";
import { type ConcentratorConfig, type ConcentratorKeys, registerFile, resolveBond } from "@wanbond/shared/config";
import type { MemberHistory, StatusSnapshot } from "@wanbond/shared/control";
import { type ForwarderThread, native } from "@wanbond/shared/io";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import {
  bondStatus,
  logForwarderEvent,
  memberHistory,
  type OpenTap,
  openTap,
  type ProgramContext,
  RECONCILE_MS,
  RepeatedTask,
  type Running,
  reconcileAndLog,
  startForwarder,
  warnOfFirewalls,
  warnOfSlowTap,
} from "@wanbond/shared/runtime";
import { HandshakeResponder, SessionIndexes } from "@wanbond/shared/session";
import { readDefaultRoutes, readNetworksInUse } from "@wanbond/shared/system";
import { CLOSE_REMOVED, formatEndpoint } from "@wanbond/shared/wire";
import { type Client, ClientDirectory } from "./client-directory.ts";
import { clientEntries } from "./client-entries.ts";
import { ClientSessions } from "./client-sessions.ts";
import { HandshakeLog } from "./handshake-log.ts";
import { openListeners } from "./listeners.ts";
import { reconcileNetwork } from "./nat/index.ts";
import { InviteRegister, InviteSessions, Pairing } from "./pairing/index.ts";
import { requireOwnEndpoints } from "./public-endpoints.ts";
import { SecondPort } from "./second-port.ts";
import { wantedNetwork } from "./wanted-network.ts";

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
  readonly #sessions: ClientSessions;
  readonly #reconciliation: RepeatedTask;
  readonly #startedMs = native().nowMs();

  constructor(parts: ServerParts) {
    const { context, config, keys, tap, listeners } = parts;
    this.#context = context;
    this.#config = config;
    this.#tap = tap;
    this.#listeners = listeners;
    this.#clients = new ClientDirectory(config);
    const { mode, clientToClient } = config.concentrator;
    const options = { role: "concentrator", mode, clientToClient } as const;
    this.#thread = startForwarder(context, tap, options, (event) => this.#onEvent(event));
    this.#secondPort = new SecondPort(this.#thread, context.log, config.concentrator.listen);
    this.#responder = this.#createResponder(keys);
    this.#handshakeLog = new HandshakeLog(context.log, this.#responder.drops);
    this.#reconciliation = new RepeatedTask(() => this.#reconcile(), RECONCILE_MS);
    this.#sessions = this.#createSessions();
    this.pairing = this.#createPairing(parts);
  }

  async start(): Promise<void> {
    const { log, runner } = this.#context;
    const { tap, listen, mode } = this.#config.concentrator;
    warnOfSlowTap(log, this.#tap);
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
      drops: {
        ...drops,
        ...prefixed("handshake-", this.#responder.drops),
        ...prefixed("enrol-", this.pairing.enrolments.drops),
      },
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

  #onEvent(event: ForwarderEvent): void {
    if (this.pairing.enrolments.onEvent(event)) return;
    const client = "peerId" in event ? this.#clients.byPeerId(event.peerId) : undefined;
    if (client !== undefined) {
      logForwarderEvent(this.#context.log, event, client.config.name);
      this.#sessions.onEvent(client, event);
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

  // ---- handshakes

  #createResponder(keys: ConcentratorKeys): HandshakeResponder {
    const responder = new HandshakeResponder(
      { privateKey: keys.privateKey, hasAes: native().hasAesInstructions() },
      { randomBytes, indexes: this.#indexes, runId: randomBytes(4).readUInt32LE() },
      {
        send: (bytes, { socket, endpoint }) => this.#thread.send({ type: "send-raw", socket, endpoint, bytes }),
        established: (id, epoch, { endpoint }) => {
          if (!this.pairing.enrolments.onEstablished(id, epoch))
            this.#sessions.onEstablished(id, epoch, formatEndpoint(endpoint));
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

  #createSessions(): ClientSessions {
    return new ClientSessions({
      config: this.#config,
      log: this.#context.log,
      thread: this.#thread,
      clients: this.#clients,
      handshakeLog: this.#handshakeLog,
      secondPort: this.#secondPort,
      changed: () => this.#reconciliation.request(),
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
    this.#sessions.forget(client);
    this.#onClientsChanged();
  }

  #onClientsChanged(): void {
    this.#reconciliation.request();
    if (this.#config.concentrator.clientToClient) this.#sessions.tellAll();
  }

  // ---- the system

  async #reconcile(): Promise<void> {
    const { log, runner, changes } = this.#context;
    await reconcileAndLog(log, async () =>
      reconcileNetwork(changes, wantedNetwork(this.#config, this.#clients.all, await readDefaultRoutes(runner))),
    );
  }
}

function prefixed(prefix: string, counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, count]) => [prefix + name, count]));
}
