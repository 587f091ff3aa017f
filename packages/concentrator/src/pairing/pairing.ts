import { randomBytes } from "node:crypto";
import {
  type ConcentratorClientConfig,
  encodeInvite,
  formatEndpoint,
  joinedClientConfig,
  keysOfInvite,
  networkText,
  parsePrefix,
  type StoredInvite,
} from "@wanbond/shared/config";
import type { InviteAnswer, InviteRequest, PairingControl, RevokeAnswer } from "@wanbond/shared/control";
import { formatKey, INVITE_SECRET_BYTES, publicKeyOf } from "@wanbond/shared/crypto";
import { EX_CONFIG, EX_DATAERR, EX_TEMPFAIL, EX_UNAVAILABLE, EX_USAGE, WanbondError } from "@wanbond/shared/errors";
import type { Client } from "../client-directory.ts";
import { freeCount } from "./address-pool.ts";
import { Enrolments } from "./enrolments.ts";
import { timeText } from "./invite-register.ts";
import { INVITE_ID, type PairingNeeds } from "./pairing-needs.ts";
import { qrCode } from "./qr-code.ts";

/** Invites that may be open at one time: each is a peer of the handshakes. */
const MAX_OPEN_INVITES = 256;

/**
 * Takes clients in by invites and puts them out again, while the others run on. An invite is a peer of the handshakes with
 * an identity of its own, so whoever does not hold one meets the same silence as ever. ADR 0004 has the reasons.
 */
export class Pairing implements PairingControl {
  /** The side towards the net. */
  readonly enrolments: Enrolments;
  readonly #needs: PairingNeeds;

  constructor(needs: PairingNeeds) {
    this.#needs = needs;
    this.enrolments = new Enrolments(needs);
  }

  /** Makes known whom the register knows. */
  start(): void {
    const { register, clients, log, configFile } = this.#needs;
    for (const joined of register.clients) {
      const config = joinedClientConfig(joined);
      if (config !== null && !clients.all.some((each) => isRival(each.config, config))) {
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
  const prefix = parsePrefix(text);
  if (prefix !== null && prefix.bits > 0 && networkText(prefix) === prefix.text) return prefix.text;
  const sentence = `--lan ${text} is no network. Write its own address with a prefix length, as 192.168.50.0/24.`;
  throw new WanbondError("WB_USAGE", EX_USAGE, sentence);
}

/** The same name, key or address: both cannot be. */
function isRival(client: ConcentratorClientConfig, joined: ConcentratorClientConfig): boolean {
  const addresses = client.address.map(({ text }) => text);
  const isSameKey = formatKey(client.publicKey) === formatKey(joined.publicKey);
  return client.name === joined.name || isSameKey || joined.address.some(({ text }) => addresses.includes(text));
}
