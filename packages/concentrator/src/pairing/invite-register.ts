import {
  encodeRegister,
  type JoinedClient,
  type Register,
  readRegister,
  type StoredInvite,
} from "@wanbond/shared/config";
import { replaceFile } from "@wanbond/shared/system";

/** An invite that is over is still told so, to who holds it, for this long ... */
const REMEMBERED_MS = 7 * 24 * 3_600_000;
/** ... or until there are so many later ones. */
const MAX_ENDED = 256;

/** Where an invite stands. */
export type InviteState = "open" | "used" | "revoked" | "expired";

export function inviteState(invite: StoredInvite, wallNowMs: number): InviteState {
  if (invite.ended !== null) return invite.ended.how;
  return wallNowMs >= Date.parse(invite.expires) ? "expired" : "open";
}

/**
 * Clients that joined, and invites, as they stand in the concentrator's data directory. What is not on the disk has not
 * happened: every change is written first, and fails as a whole.
 */
export class InviteRegister {
  readonly #file: string;
  #register: Register;

  /** @throws WanbondError when the file cannot be read or is damaged. */
  constructor(file: string) {
    this.#file = file;
    this.#register = readRegister(file);
  }

  get clients(): readonly JoinedClient[] {
    return this.#register.clients;
  }

  get invites(): readonly StoredInvite[] {
    return this.#register.invites;
  }

  /** The invite whose identity this is. */
  inviteOf(publicKey: string): StoredInvite | undefined {
    return this.invites.find((invite) => invite.publicKey === publicKey);
  }

  clientNamed(name: string): JoinedClient | undefined {
    return this.clients.find((client) => client.name === name);
  }

  openInvites(wallNowMs: number): StoredInvite[] {
    return this.invites.filter((invite) => inviteState(invite, wallNowMs) === "open");
  }

  /** @returns the invites that are forgotten over it. @throws WanbondError when it cannot be written */
  addInvite(invite: StoredInvite, wallNowMs: number): StoredInvite[] {
    const all = [...this.invites, invite];
    const over = all.filter((each) => inviteState(each, wallNowMs) !== "open");
    const forgotten = over.filter((each, index) => index < over.length - MAX_ENDED || isOld(each, wallNowMs));
    this.#write({ ...this.#register, invites: all.filter((each) => !forgotten.includes(each)) });
    return forgotten;
  }

  /** @throws WanbondError when it cannot be written */
  endInvite(invite: StoredInvite, how: "revoked", wallNowMs: number): void {
    const ended = { how, at: timeText(wallNowMs), by: null };
    this.#write({ ...this.#register, invites: this.#replaced(invite, { ...invite, ended }) });
  }

  /** The holder of an invite is a client from now on. @throws WanbondError when it cannot be written */
  join(invite: StoredInvite, client: JoinedClient, wallNowMs: number): void {
    const ended = { how: "used" as const, at: timeText(wallNowMs), by: client.publicKey };
    this.#write({
      ...this.#register,
      clients: [...this.clients, client],
      invites: this.#replaced(invite, { ...invite, ended }),
    });
  }

  /** @throws WanbondError when it cannot be written */
  removeClient(client: JoinedClient): void {
    this.#write({ ...this.#register, clients: this.clients.filter((each) => each !== client) });
  }

  #replaced(old: StoredInvite, next: StoredInvite): StoredInvite[] {
    return this.invites.map((each) => (each === old ? next : each));
  }

  #write(next: Register): void {
    replaceFile(this.#file, encodeRegister(next));
    this.#register = next;
  }
}

export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function isOld(invite: StoredInvite, wallNowMs: number): boolean {
  return wallNowMs - Date.parse(invite.ended?.at ?? invite.expires) > REMEMBERED_MS;
}
