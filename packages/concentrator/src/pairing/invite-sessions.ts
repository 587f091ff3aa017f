import type { BondSettings } from "@wanbond/shared/bond";
import type { ForwarderCommand, ForwarderEvent } from "@wanbond/shared/pipeline";
import type { SessionEpoch } from "@wanbond/shared/session";

/** A client that enrols is through in seconds. */
const LIFE_MS = 60_000;

interface InviteSession {
  readonly publicKey: string;
  readonly peerId: number;
  runId: number;
  untilMs: number;
}

export interface InviteSessionsNeeds {
  send(command: ForwarderCommand): void;
  newPeerId(): number;
  readonly mode: "routed" | "bridged";
  readonly bond: BondSettings;
}

type AttachRequest = Extract<ForwarderEvent, { type: "attach-requested" }>;

/** Sessions of those who hold an invite, in the packet loop: short, without addresses, for control messages alone. */
export class InviteSessions {
  readonly #needs: InviteSessionsNeeds;
  readonly #sessions = new Map<number, InviteSession>();

  constructor(needs: InviteSessionsNeeds) {
    this.#needs = needs;
  }

  /** @param publicKey of the invite's identity. @returns the peer's number. */
  onEstablished(publicKey: string, epoch: SessionEpoch): number {
    const session = this.#ofInvite(publicKey) ?? this.#open(publicKey);
    const { peerId } = session;
    this.#needs.send({ type: "install-epoch", peerId, epoch, fresh: session.runId !== epoch.farRunId });
    session.runId = epoch.farRunId;
    session.untilMs = epoch.createdMs + LIFE_MS;
    return peerId;
  }

  /** The invite whose session this is; undefined when it is none. */
  inviteOf(peerId: number): string | undefined {
    return this.#sessions.get(peerId)?.publicKey;
  }

  attach({ peerId, pathNumber, socket, endpoint, messageId }: AttachRequest): void {
    const place = { peerId, pathNumber, socket, endpoint, deviceMtu: 1500, attachMessageId: messageId };
    const options = { ...place, name: `invite${pathNumber}`, metered: true, told: {}, attachJson: null };
    this.#needs.send({ type: "add-path", options });
  }

  reply(request: Extract<ForwarderEvent, { type: "enrol-requested" }>, json: string): void {
    const { peerId, pathNumber, messageId } = request;
    this.#needs.send({ type: "send-enrol-reply", peerId, pathNumber, messageId, json });
  }

  close(peerId: number): void {
    if (!this.#sessions.delete(peerId)) return;
    this.#needs.send({ type: "remove-peer", peerId, closeReason: null });
  }

  closeInvite(publicKey: string): void {
    const session = this.#ofInvite(publicKey);
    if (session !== undefined) this.close(session.peerId);
  }

  /** To be called every now and then: ends what has been open for too long. */
  expire(nowMs: number): void {
    for (const { peerId, untilMs } of this.#sessions.values()) if (nowMs >= untilMs) this.close(peerId);
  }

  #ofInvite(publicKey: string): InviteSession | undefined {
    return [...this.#sessions.values()].find((session) => session.publicKey === publicKey);
  }

  #open(publicKey: string): InviteSession {
    const { mode, bond, newPeerId, send } = this.#needs;
    const peerId = newPeerId();
    const session = { publicKey, peerId, runId: Number.NaN, untilMs: 0 };
    this.#sessions.set(peerId, session);
    const options = { peerId, name: "invite", mode, bond, roams: true, prefixes: [], enrolling: true };
    send({ type: "add-peer", options });
    return session;
  }
}
