import type { BondStatus, StatusSnapshot } from "./status.ts";
import type { StatusSource } from "./status-source.ts";
import { type WhyAnswer, WhyEvent, type WhyMember } from "./why-answer.ts";

/** Events of the log that say something about a member or its bond. Decisions of the sender come from its own memory. */
const LOGGED = new Set([
  "member-state",
  "bond-decision",
  "path-mtu",
  "roamed",
  "path-attached",
  "path-detached",
  "session",
  "client-connected",
  "bonding-taken",
  "peer-silent",
  "closed-by-peer",
]);

/**
 * What is known about members of that name.
 *
 * @param wanted NAME or PEER/NAME.
 * @param lines of the event log, one JSON object each.
 */
export async function explainMembers(
  source: StatusSource,
  wanted: string,
  lines: readonly string[],
): Promise<WhyAnswer> {
  const { role, bonds } = await source.read();
  const logged = lines.flatMap((line) => loggedEvent(line));
  const members = bonds.flatMap((bond) =>
    bond.members
      .filter(({ name }) => wanted === name || wanted === `${bond.peer}/${name}`)
      .map((status) => explainMember(source, bond, status, logged)),
  );
  return {
    version: 1,
    role,
    time: new Date().toISOString(),
    known: knownMembers(bonds),
    members: await Promise.all(members),
  };
}

function knownMembers(bonds: StatusSnapshot["bonds"]): WhyAnswer["known"] {
  return bonds.flatMap(({ peer, members }) => members.map(({ name, path }) => ({ peer, name, path })));
}

async function explainMember(
  source: StatusSource,
  { peer, policy }: BondStatus,
  status: WhyMember["status"],
  logged: readonly WhyEvent[],
): Promise<WhyMember> {
  const { seconds, events } = await source.history(peer, status.path);
  const own = [
    ...events.filter((event) => isDecisionAbout(event, status.path)),
    ...logged.filter((event) => isLogOf(event, peer, status.name)),
  ];
  own.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return { peer, policy, status, seconds: [...seconds], events: own };
}

/** A decision names one path, or several, or is about all. */
function isDecisionAbout({ path, paths }: WhyEvent, number: number): boolean {
  if (Array.isArray(paths)) return paths.includes(number);
  return path === undefined || path === number;
}

function isLogOf({ event, uplink, peer, client, member }: WhyEvent, bond: string, name: string): boolean {
  if (event.startsWith("uplink-")) return uplink === name;
  return LOGGED.has(event) && (peer ?? client) === bond && (member === undefined || member === name);
}

function loggedEvent(line: string): WhyEvent[] {
  try {
    const result = WhyEvent.safeParse(JSON.parse(line));
    return result.success ? [result.data] : [];
  } catch {
    return []; // Not of the event log, for example a warning of node.
  }
}
