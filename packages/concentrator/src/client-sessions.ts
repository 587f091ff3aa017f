import { type ConcentratorConfig, encodePushFor, parseAttachInfo, parseBondingPush } from "@wanbond/shared/config";
import type { EventLog } from "@wanbond/shared/control";
import type { ForwarderThread } from "@wanbond/shared/io";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import type { SessionEpoch } from "@wanbond/shared/session";
import type { Client, ClientDirectory } from "./client-directory.ts";
import type { HandshakeLog } from "./handshake-log.ts";
import { RunIdentities } from "./run-identities.ts";
import type { SecondPort } from "./second-port.ts";
import { hostPrefix } from "./wanted-network.ts";

type AttachRequest = Extract<ForwarderEvent, { type: "attach-requested" }>;

interface SessionParts {
  readonly config: ConcentratorConfig;
  readonly log: EventLog;
  readonly thread: ForwarderThread;
  readonly clients: ClientDirectory;
  readonly handshakeLog: HandshakeLog;
  readonly secondPort: SecondPort;
  /** The network is to be another. */
  changed(): void;
}

/** What goes on with each client from its handshake to its farewell: keys, paths, what one end tells the other. */
export class ClientSessions {
  readonly #parts: SessionParts;
  readonly #identities = new RunIdentities();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** New keys of a client. @param from where the handshake came from, for the log. */
  onEstablished(name: string, epoch: SessionEpoch, from: string): void {
    const client = this.#parts.clients.byName(name);
    if (client === undefined) return;
    const { peerId } = client;
    if (this.#identities.onHandshake(name, epoch.farRunId, epoch.createdMs)) {
      const sentence =
        "this client's session is taken over again and again: two programs run with its key, stop one of them";
      this.#parts.log.error({ event: "identity-shared", client: name, from }, sentence);
    }
    this.#parts.handshakeLog.onAnswered(name, epoch.createdMs);
    if (client.runId === undefined) this.#addPeer(client);
    const fresh = client.runId !== epoch.farRunId;
    client.runId = epoch.farRunId;
    this.#parts.thread.send({ type: "install-epoch", peerId, epoch, fresh });
    if (!fresh) return;
    client.announced = false;
    this.#push(client);
  }

  /** Tells a client its addresses, routes and settings. */
  #push({ peerId, config }: Client): void {
    const all = { ...this.#parts.config, client: this.#parts.clients.all.map((client) => client.config) };
    const { json, omitted } = encodePushFor(all, config);
    if (omitted.length > 0) {
      const fields = { event: "routes-omitted", client: config.name, networks: omitted };
      this.#parts.log.warn(
        fields,
        "not all networks of other clients fit what this one is told: join them to larger ones",
      );
    }
    this.#parts.thread.send({ type: "send-config", peerId, json });
  }

  /** It has shown that it holds the keys. */
  #onConfirmed(client: Client): void {
    const { name } = client.config;
    this.#parts.handshakeLog.onConfirmed(name);
    if (client.announced) return;
    client.announced = true;
    const fields = { event: "client-connected", client: name, policy: client.bond.policy };
    this.#parts.log.info(fields, "a client has begun a session");
  }

  #addPeer({ peerId, config, bond }: Client): void {
    const { mode } = this.#parts.config.concentrator;
    const prefixes = [...config.address.map(hostPrefix), ...config.routes.map(({ text }) => text)];
    this.#parts.thread.send({
      type: "add-peer",
      options: { peerId, name: config.name, mode, bond, roams: true, prefixes },
    });
  }

  /** Tells all clients that are connected what has changed. */
  tellAll(): void {
    for (const client of this.#parts.clients.all) if (client.runId !== undefined) this.#push(client);
  }

  /** The client is none any more. */
  forget(client: Client): void {
    this.#identities.forget(client.config.name);
  }

  /** What the forwarder says of a client. */
  onEvent(client: Client, event: ForwarderEvent): void {
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
        this.#parts.secondPort.open();
        break;
      case "detached":
        this.#parts.thread.send({ type: "remove-path", peerId: client.peerId, pathNumber: event.pathNumber });
        break;
      case "closed":
        this.#parts.thread.send({ type: "remove-peer", peerId: client.peerId, closeReason: null });
        client.runId = undefined;
        client.lastSeenMs = Date.now();
        break;
      case "bond-mtu":
        client.innerMtu = event.mtu;
        this.#parts.changed();
        break;
      default:
        break; // only logged
    }
  }

  #attach(client: Client, request: AttachRequest): void {
    const info = parseAttachInfo(Buffer.from(request.json));
    if (info === null) {
      this.#parts.log.warn({ event: "attach-refused", client: client.config.name }, "a path of an unknown version");
      return;
    }
    const { pathNumber, socket, endpoint, messageId } = request;
    if (info.device !== undefined) client.devices.set(pathNumber, info.device);
    this.#parts.thread.send({
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
    this.#parts.log.info(fields, "a client has added a path");
  }

  #onTold(client: Client, json: string): void {
    const bonding = parseBondingPush(Buffer.from(json));
    if (bonding === null || !this.#parts.clients.takeBonding(client, bonding)) return;
    this.#parts.thread.send({ type: "set-bond", peerId: client.peerId, bond: client.bond });
    const fields = { event: "bonding-taken", client: client.config.name, policy: client.bond.policy };
    this.#parts.log.info(fields, "the client's bonding settings count for this direction too");
  }
}
