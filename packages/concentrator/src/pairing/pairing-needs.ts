import type { ConcentratorConfig } from "@wanbond/shared/config";
import type { ClientEntry, EventLog } from "@wanbond/shared/control";
import type { HandshakePeer } from "@wanbond/shared/session";
import type { Client, ClientDirectory } from "../client-directory.ts";
import type { InviteRegister } from "./invite-register.ts";
import type { InviteSessions } from "./invite-sessions.ts";

/** Before the names of invites among the peers of handshakes; clients' names have no colon. */
export const INVITE_ID = "invite:";

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
  describeClients(): Promise<ClientEntry[]>;
}
