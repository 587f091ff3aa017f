import type { BondSettings } from "../bond/index.ts";
import type { BondStatus, MemberStatus } from "../control/index.ts";
import type { MemberSnapshot, PeerSnapshot } from "../pipeline/index.ts";

const CIPHER_NAMES = ["AES-256-GCM", "ChaCha20-Poly1305", "none (AES-256-GMAC)", "none (Poly1305)"];
const STATES = ["up", "standby", "pending", "evicted", "down"] as const;
const HASHING_POLICIES: readonly string[] = ["balance-xor", "balance-aware"];

/** What the main thread knows of a member beyond the forwarder's figures. */
export interface MemberFacts {
  readonly device: string | null;
  readonly local: string | null;
}

/**
 * One bond of the status snapshot.
 *
 * @param peer undefined while the forwarder does not know it yet.
 * @param inUse it carries the traffic: a client may have others in reserve.
 */
export function bondStatus(
  name: string,
  settings: BondSettings,
  addresses: readonly string[],
  peer: PeerSnapshot | undefined,
  factsOf: (member: MemberSnapshot) => MemberFacts,
  inUse = true,
): BondStatus {
  const members = (peer?.members ?? []).map((member) => memberStatus(member, factsOf(member)));
  const isConnected = peer !== undefined && peer.sessionAgeMs !== null;
  const isUp = isConnected && members.some((member) => member.state === "up" || member.state === "standby");
  return {
    peer: name,
    inUse,
    state: isUp ? "up" : isConnected ? "down" : "connecting",
    reason: null,
    policy: settings.policy,
    hashPolicy: HASHING_POLICIES.includes(settings.basePolicy) ? settings.transmitHashPolicy : null,
    mtu: peer?.mtu ?? 0,
    cipher: peer?.cipher == null ? null : (CIPHER_NAMES[peer.cipher] ?? null),
    sessionAgeMs: peer?.sessionAgeMs ?? null,
    rekeys: peer?.rekeys ?? 0,
    addresses: [...addresses],
    members,
    resequencer: peer?.resequencer ?? { held: 0, late: 0, lost: 0, duplicates: 0, made: 0 },
    aggregate: peer?.aggregate ?? null,
  };
}

function memberStatus(member: MemberSnapshot, facts: MemberFacts): MemberStatus {
  const { pathNumber: path, ...figures } = member;
  const state = STATES.find((each) => each === member.state) ?? "down";
  return { ...figures, ...facts, path, state, aggregate: aggregateStatus(member) };
}

function aggregateStatus({ aggregate }: MemberSnapshot): MemberStatus["aggregate"] {
  if (aggregate === null) return null;
  const { counters, ...figures } = aggregate;
  return { ...figures, ...counters };
}
