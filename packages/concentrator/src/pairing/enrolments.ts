import {
  type EnrolReply,
  type EnrolRequest,
  encodeEnrolReply,
  formatEndpoint,
  joinedClientConfig,
  parseEnrolRequest,
  parsePrefix,
  type StoredInvite,
} from "@wanbond/shared/config";
import { formatKey } from "@wanbond/shared/crypto";
import type { ForwarderEvent } from "@wanbond/shared/pipeline";
import type { SessionEpoch } from "@wanbond/shared/session";
import { judgeEnrolment, type Verdict } from "./enrolment-rules.ts";
import { inviteState, timeText } from "./invite-register.ts";
import { INVITE_ID, type PairingNeeds } from "./pairing-needs.ts";

/** repeated: the first of them is still being looked at. */
export type EnrolDrop = "malformed" | "repeated" | "refused";

/** What holders of invites ask for over the net, and what they get. */
export class Enrolments {
  /** Requests that made no client; shown in status as `enrol-malformed` and so on. */
  readonly drops: Record<EnrolDrop, number> = { malformed: 0, repeated: 0, refused: 0 };
  readonly #needs: PairingNeeds;
  /** Invites whose request is being looked at; copies of it wait for the answer to the first. */
  readonly #busy = new Set<string>();

  constructor(needs: PairingNeeds) {
    this.#needs = needs;
  }

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
    if (request === null) this.drops.malformed++;
    if (this.#busy.has(publicKey)) this.drops.repeated++;
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
    this.drops.refused++;
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

function prefixes(texts: readonly string[]) {
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}
