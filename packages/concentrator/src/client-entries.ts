import type { ClientEntry } from "@wanbond/shared/control";
import type { PeerSnapshot } from "@wanbond/shared/pipeline";
import type { Client } from "./client-directory.ts";

/** Clients as `wanbond concentrator clients` shows them. @param wallNowMs milliseconds since 1970 */
export function clientEntries(
  clients: readonly Client[],
  peers: readonly PeerSnapshot[],
  wallNowMs: number,
): ClientEntry[] {
  return clients.map((client) => {
    const peer = peers.find(({ peerId }) => peerId === client.peerId);
    const { name, address, routes } = client.config;
    return {
      name,
      origin: client.origin,
      address: address.map(({ text }) => text),
      lan: routes.map(({ text }) => text),
      state: stateOf(peer),
      lastSeen: timeOrNull(lastSeenMs(client, peer, wallNowMs)),
      endpoints: peer?.members.map(({ remote }) => remote) ?? [],
      since: client.since,
    };
  });
}

/** Wall clock of the last authentic datagram; NaN when none came since the start. */
function lastSeenMs(client: Client, peer: PeerSnapshot | undefined, wallNowMs: number): number {
  return peer === undefined || !client.announced ? client.lastSeenMs : wallNowMs - peer.heardAgoMs;
}

function stateOf(peer: PeerSnapshot | undefined): ClientEntry["state"] {
  if (peer?.sessionAgeMs == null) return "connecting";
  return peer.members.some(({ state }) => state === "up" || state === "standby") ? "up" : "down";
}

function timeOrNull(wallMs: number): string | null {
  return Number.isNaN(wallMs) ? null : new Date(wallMs).toISOString();
}
