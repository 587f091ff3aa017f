import { randomBytes } from "node:crypto";
import {
  type ConcentratorConfig,
  type EnrolReply,
  type EnrolRequest,
  encodeEnrolReply,
  encodeInvite,
  formatEndpoint,
  joinedClientConfig,
  keysOfInvite,
  parseEnrolRequest,
  parsePrefix,
  type StoredInvite,
} from "@wanbond/shared/config";
import type { EventLog, InviteAnswer, InviteRequest, PairingControl, RevokeAnswer } from "@wanbond/shared/control";
import { formatKey, INVITE_SECRET_BYTES, publicKeyOf } from "@wanbond/shared/crypto";
import { EX_CONFIG, EX_DATAERR, EX_TEMPFAIL, EX_UNAVAILABLE, WanbondError } from "@wanbond/shared/errors";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import type { HandshakePeer, SessionEpoch } from "@wanbond/shared/session";
import type { Client, ClientDirectory } from "../client-directory.ts";
import { freeCount } from "./address-pool.ts";
import { judgeEnrolment, type Verdict } from "./enrolment-rules.ts";
import { type InviteRegister, inviteState, timeText } from "./invite-register.ts";
import type { InviteSessions } from "./invite-sessions.ts";
import { qrCode } from "./qr-code.ts";

/** Invites that may be open at one time: each is a peer of the handshakes. */
const MAX_OPEN_INVITES = 256;
/** Before the names of invites among the peers of handshakes; clients' names have no colon. */
const INVITE_ID = "invite:";

/** What pairing asks of the server. */
export interface PairingNeeds {
  readonly log: EventLog;
  readonly config: ConcentratorConfig;
  /** Of the configuration, for sentences. */
  readonly configFile: string;
  readonly publicKey: Uint8Array;
  readonly clients: ClientDirectory;
  readonly register: InviteRegister;
  readonly sessions: InviteSessions;
  readonly responder: { addPeer(peer: HandshakePeer): void; removePeer(publicKey: Uint8Array): void };
  wallNowMs(): number;
  nowMs(): number;
  /** Networks of this host, without the tunnel's own. @throws WanbondError when they cannot be read */
  hostNetworks(): Promise<readonly string[]>;
  /** Where clients reach this host, as in [concentrator] endpoints. @throws WanbondError when it is not known */
  endpoints(): Promise<ConcentratorConfig["concentrator"]["endpoints"]>;
  /** It counts from now on: its routes, and what the others are told. */
  clientAdded(client: Client): void;
  /** It is out from now on: its session ends, its routes go. */
  clientRemoved(client: Client): void;
  /** For `clients`. */
  describeClients(): Promise<Awaited<ReturnType<PairingControl["clients"]>>["clients"]>;
}

/**
 * Takes clients in by invites and puts them out again, while the others run on. An invite is a peer of the handshakes with
 * an identity of its own, so whoever does not hold one meets the same silence as ever. ADR 0004 has the reasons.
 */
export class Pairing implements PairingControl {
  readonly #needs: PairingNeeds;
  /** Invites whose request is being looked at; copies of it wait for the answer to the first. */
  readonly #busy = new Set<string>();

  constructor(needs: PairingNeeds) {
    this.#needs = needs;
  }

  /** Makes known whom the register knows. */
  start(): void {
    const { register, clients, log, configFile } = this.#needs;
    for (const joined of register.clients) {
      const config = joinedClientConfig(joined);
      const rival = clients.all.find((each) => each.config.name === joined.name || sameKey(each, joined.publicKey));
      if (config !== null && rival === undefined) {
        this.#needs.clientAdded(clients.add(config, "joined", joined.since));
        continue;
      }
      const fields = { event: "joined-client-ignored", client: joined.name, file: configFile };
      log.warn(
        fields,
        "a client that joined is written in the file too, which counts; revoke it, or take it out there",
      );
    }
    for (const invite of register.invites) this.#know(invite);
  }

  // ---- asked by the operator

  async invite({ name, lan, lifeS }: InviteRequest): Promise<InviteAnswer> {
    const { register, publicKey, log } = this.#needs;
    const endpoints = await this.#needs.endpoints();
    const nowMs = this.#needs.wallNowMs();
    this.#requireFree(name, nowMs);
    const networks = lan.map(checkedNetwork);
    const secret = randomBytes(INVITE_SECRET_BYTES);
    const expiresS = Math.ceil(nowMs / 1000) + lifeS;
    const invite = { name, secret, concentratorKey: publicKey, endpoints, expiresS };
    const { privateKey, presharedKey } = keysOfInvite(invite);
    const stored: StoredInvite = {
      name,
      publicKey: formatKey(publicKeyOf(privateKey)),
      presharedKey: formatKey(presharedKey),
      lan: networks,
      created: timeText(nowMs),
      expires: timeText(expiresS * 1000),
      ended: null,
    };
    for (const forgotten of register.addInvite(stored, nowMs)) this.#forget(forgotten);
    this.#know(stored);
    log.info({ event: "invite-created", client: name, expires: stored.expires, lan: networks }, "an invite is out");
    const line = encodeInvite(invite);
    return { name, invite: line, expires: stored.expires, endpoints: endpoints.map(formatEndpoint), qr: qrCode(line) };
  }

  async clients(): ReturnType<PairingControl["clients"]> {
    const open = this.#needs.register.openInvites(this.#needs.wallNowMs());
    return {
      clients: await this.#needs.describeClients(),
      invites: open.map(({ name, lan, created, expires }) => ({ name, lan, created, expires })),
    };
  }

  async revoke(name: string): Promise<RevokeAnswer> {
    const { clients, register, log, configFile } = this.#needs;
    const nowMs = this.#needs.wallNowMs();
    const joined = register.clientNamed(name);
    const client = clients.byName(name);
    const invite = register.openInvites(nowMs).find((each) => each.name === name);
    if (joined !== undefined) {
      register.removeClient(joined);
      if (client?.origin === "joined") this.#needs.clientRemoved(client);
      log.warn(
        { event: "client-revoked", client: name },
        "the client is out: its session is closed, its routes are gone",
      );
      return { name, revoked: "client" };
    }
    if (invite !== undefined) {
      register.endInvite(invite, "revoked", nowMs);
      log.info({ event: "invite-revoked", client: name }, "the invite is good for nothing any more");
      return { name, revoked: "invite" };
    }
    if (client === undefined) throw unknownName(name, clients.all, register.openInvites(nowMs));
    const sentence = `The client ${name} is written by hand: take its [[client]] table out of ${configFile}, and restart the concentrator.`;
    throw new WanbondError("WB_CLIENT_BY_HAND", EX_CONFIG, sentence);
  }

  // ---- asked by the net

  /** A handshake with this peer is through. @returns false when it is none of an invite. */
  onEstablished(id: string, epoch: SessionEpoch): boolean {
    if (!id.startsWith(INVITE_ID)) return false;
    this.#needs.sessions.onEstablished(id.slice(INVITE_ID.length), epoch);
    return true;
  }

  /** @returns false when the event is not about an invite's session. */
  onEvent(event: ForwarderEvent): boolean {
    const { sessions } = this.#needs;
    sessions.expire(this.#needs.nowMs());
    const publicKey = "peerId" in event ? sessions.inviteOf(event.peerId) : undefined;
    if (publicKey === undefined) return false;
    if (event.type === "attach-requested") sessions.attach(event);
    else if (event.type === "closed") sessions.close(event.peerId);
    else if (event.type === "enrol-requested") void this.#onRequest(publicKey, event);
    return true;
  }

  async #onRequest(publicKey: string, event: Extract<ForwarderEvent, { type: "enrol-requested" }>): Promise<void> {
    const invite = this.#needs.register.inviteOf(publicKey);
    const request = parseEnrolRequest(event.json);
    if (invite === undefined || request === null || this.#busy.has(publicKey)) return;
    this.#busy.add(publicKey);
    const reply = await this.#answer(invite, request).catch((error: unknown) => this.#failed(invite, error));
    this.#busy.delete(publicKey);
    this.#needs.sessions.reply(event, encodeEnrolReply(reply));
  }

  async #answer(invite: StoredInvite, request: EnrolRequest): Promise<EnrolReply> {
    const before = await this.#replyWithoutLook(invite, request);
    if (before !== null) return before;
    const hostNetworks = await this.#needs.hostNetworks();
    // From here on nothing waits: two requests cannot take one address, nor one invite twice.
    const present = this.#needs.register.inviteOf(invite.publicKey) ?? invite;
    const meanwhile = await this.#replyWithoutLook(present, request);
    return meanwhile ?? this.#admit(present, request, hostNetworks);
  }

  /** What is clear from the invite alone: it is over, or this is a copy of the request that used it. */
  async #replyWithoutLook(invite: StoredInvite, request: EnrolRequest): Promise<EnrolReply | null> {
    const { register, wallNowMs } = this.#needs;
    const state = inviteState(invite, wallNowMs());
    if (state === "open") return null;
    const joined = register.clientNamed(invite.name);
    const isCopy =
      state === "used" && invite.ended?.by === request.publicKey && joined?.publicKey === request.publicKey;
    if (isCopy && joined !== undefined) return this.#welcome(joined.name, joined.address, joined.routes);
    return this.#refused(invite, { ok: false, reason: state, problem: overSentence(invite, state) });
  }

  #admit(
    invite: StoredInvite,
    request: EnrolRequest,
    hostNetworks: readonly string[],
  ): Promise<EnrolReply> | EnrolReply {
    const { clients, config, publicKey, register, log } = this.#needs;
    const isRouted = config.concentrator.mode === "routed";
    const verdict = judgeEnrolment(request, {
      networks: isRouted ? config.concentrator.address : [],
      clients: clients.all.map((client) => ({ ...client.config, publicKey: formatKey(client.config.publicKey) })),
      hostNetworks: prefixes(hostNetworks),
      concentratorKey: formatKey(publicKey),
      invitedLan: prefixes(invite.lan),
    });
    if (!verdict.ok) return this.#refused(invite, verdict);
    if (register.inviteOf(request.publicKey) !== undefined) return this.#refused(invite, INVITES_KEY);
    const { addresses: address, lan: routes } = verdict;
    const nowMs = this.#needs.wallNowMs();
    const joined = { name: invite.name, publicKey: request.publicKey, address, routes, since: timeText(nowMs) };
    const client = joinedClientConfig(joined);
    if (client === null) throw new Error("the rules of enrolment let through what the configuration refuses");
    register.join(invite, { ...joined, address: [...address], routes: [...routes] }, nowMs);
    this.#needs.clientAdded(clients.add(client, "joined", joined.since));
    log.info({ event: "client-joined", client: invite.name, address, routes }, "an invite was used: a new client");
    return this.#welcome(invite.name, address, routes);
  }

  async #welcome(name: string, addresses: readonly string[], lan: readonly string[]): Promise<EnrolReply> {
    const { mode } = this.#needs.config.concentrator;
    const endpoints = (await this.#needs.endpoints()).map(formatEndpoint);
    return { version: 1, ok: true, name, mode, addresses: [...addresses], lan: [...lan], endpoints };
  }

  #refused(invite: StoredInvite, { reason, problem }: Extract<Verdict, { ok: false }>): EnrolReply {
    this.#needs.log.warn({ event: "enrolment-refused", client: invite.name, reason }, problem);
    return { version: 1, ok: false, reason, problem };
  }

  /** The disk is full, or the system cannot be looked at: the invite stays good. */
  #failed(invite: StoredInvite, error: unknown): EnrolReply {
    const problem = error instanceof Error ? error.message : String(error);
    this.#needs.log.error(
      { event: "enrolment-failed", client: invite.name, problem },
      "a client could not be taken in",
    );
    const sentence =
      "The concentrator could not take the client in, its log says why. The invite stays good: try again.";
    return { version: 1, ok: false, reason: "failed", problem: sentence };
  }

  // ---- peers of the handshakes

  #know(invite: StoredInvite): void {
    const publicKey = Buffer.from(invite.publicKey, "base64");
    const presharedKey = Buffer.from(invite.presharedKey, "base64");
    const id = INVITE_ID + invite.publicKey;
    this.#needs.responder.addPeer({ id, publicKey, presharedKey, encryption: "encrypted" });
  }

  #forget(invite: StoredInvite): void {
    this.#needs.responder.removePeer(Buffer.from(invite.publicKey, "base64"));
    this.#needs.sessions.closeInvite(invite.publicKey);
  }

  /** @throws WanbondError */
  #requireFree(name: string, wallNowMs: number): void {
    const { clients, register, config } = this.#needs;
    const open = register.openInvites(wallNowMs);
    if (clients.byName(name) !== undefined || register.clientNamed(name) !== undefined) {
      throw taken(`There is a client ${name} already.`, name);
    }
    if (open.some((invite) => invite.name === name)) throw taken(`An invite for ${name} is out already.`, name);
    if (open.length >= MAX_OPEN_INVITES) {
      const sentence = `${MAX_OPEN_INVITES} invites are out already. Revoke some: wanbond concentrator revoke NAME`;
      throw new WanbondError("WB_TOO_MANY_INVITES", EX_TEMPFAIL, sentence);
    }
    if (config.concentrator.mode === "bridged") return;
    const { address } = config.concentrator;
    const used = clients.all.flatMap((client) => client.config.address);
    if (freeCount(address, used, open.length + 1) > open.length) return;
    const list = address.map(({ text }) => text).join(", ");
    const sentence = `No address is free in ${list}: ${used.length} are taken, ${open.length} invites are out. Revoke some, or widen address in ${this.#needs.configFile}.`;
    throw new WanbondError("WB_POOL_FULL", EX_UNAVAILABLE, sentence);
  }
}

/** Only a program of ill will asks for it: the identity of an invite is known to whoever has read it. */
const INVITES_KEY = {
  ok: false,
  reason: "key-known",
  problem: "This key is that of an invite. Remove the key file here, and join again.",
} as const;

function overSentence({ name, expires, ended }: StoredInvite, state: string): string {
  const again = `Ask for another one: wanbond concentrator invite ${name}`;
  if (state === "used")
    return `This invite was used already, on ${ended?.at ?? "an unknown day"}: each is good for one client. ${again}`;
  if (state === "revoked") return `This invite was revoked on ${ended?.at ?? "an unknown day"}. ${again}`;
  return `This invite expired on ${expires}. ${again}`;
}

function taken(what: string, name: string): WanbondError {
  const sentence = `${what} Choose another name, or revoke it first: wanbond concentrator revoke ${name}`;
  return new WanbondError("WB_NAME_TAKEN", EX_DATAERR, sentence);
}

function unknownName(
  name: string,
  clients: readonly Client[],
  invites: readonly { readonly name: string }[],
): WanbondError {
  const names = [...clients.map(({ config }) => config.name), ...invites.map((invite) => invite.name)];
  const known = names.length === 0 ? "There are none." : `There are: ${names.join(", ")}.`;
  return new WanbondError("WB_UNKNOWN_CLIENT", EX_DATAERR, `There is no client and no open invite ${name}. ${known}`);
}

/** @throws WanbondError */
function checkedNetwork(text: string): string {
  const config = joinedClientConfig({
    name: "x",
    publicKey: formatKey(Buffer.alloc(32, 9)),
    address: [],
    routes: [text],
  });
  const [network] = config?.routes ?? [];
  if (network !== undefined && network.bits > 0) return network.text;
  const sentence = `--lan ${text} is no network. Write its own address with a prefix length, as 192.168.50.0/24.`;
  throw new WanbondError("WB_USAGE", 64, sentence);
}

function prefixes(texts: readonly string[]) {
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}

function sameKey(client: Client, publicKey: string): boolean {
  return formatKey(client.config.publicKey) === publicKey;
}
