import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import { type EnrolReply, formatEndpoint, type Invite, keysOfInvite } from "@wanbond/shared/config";
import { EX_TEMPFAIL, EX_UNAVAILABLE, WanbondError } from "@wanbond/shared/errors";
import { NativePorts, native, POLLIN } from "@wanbond/shared/io";
import { parseEndpoint } from "@wanbond/shared/wire";
import type { ResolvedUplink } from "../uplink/index.ts";
import { ENROL_POOL_BYTES, EnrolClient, type EnrolLine } from "./enrol-client.ts";

/** One wait for the net is no longer, so that a signal gets through. */
const LONGEST_WAIT_MS = 50;

/** What came of it, and over which uplink. */
export interface Enrolled {
  readonly reply: EnrolReply;
  readonly uplink: string;
}

/** Asks the concentrator over all uplinks at once. @throws WanbondError when nobody answers in time */
export async function enrol(
  invite: Invite,
  uplinks: readonly ResolvedUplink[],
  request: string,
  patienceMs: number,
): Promise<Enrolled> {
  const lines = openLines(uplinks, await resolveEndpoints(invite));
  try {
    if (lines.length === 0) throw noWay(invite);
    return await converse(invite, lines, request, patienceMs);
  } finally {
    for (const { socket } of lines) native().close(socket);
  }
}

async function converse(
  invite: Invite,
  lines: readonly EnrolLine[],
  request: string,
  patienceMs: number,
): Promise<Enrolled> {
  const addon = native();
  const client = new EnrolClient({
    ports: new NativePorts(ENROL_POOL_BYTES),
    lines,
    ...keysOfInvite(invite),
    concentratorKey: invite.concentratorKey,
    request,
    hasAes: addon.hasAesInstructions(),
    randomBytes,
    random: Math.random,
    wallNowMs: Date.now,
  });
  const untilMs = addon.nowMs() + patienceMs;
  client.start(addon.nowMs());
  while (client.reply === null && addon.nowMs() < untilMs) {
    await new Promise((resolve) => setImmediate(resolve));
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(0, client.nextDeadlineMs - addon.nowMs()));
    for (const socket of readable(lines, waitMs)) client.onReadable(socket, addon.nowMs());
    client.onTimer(addon.nowMs());
  }
  client.close(addon.nowMs());
  if (client.reply === null) throw noAnswer(invite, client.line !== undefined);
  return { reply: client.reply, uplink: client.line?.uplink ?? "" };
}

function readable(lines: readonly EnrolLine[], waitMs: number): number[] {
  const fds = Int32Array.from(lines.flatMap(({ socket }) => [socket, POLLIN]));
  native().poll(fds, lines.length, waitMs);
  return lines.filter((_, index) => (fds[index * 2 + 1] ?? 0) >> 16 !== 0).map(({ socket }) => socket);
}

/** Every uplink with every address of the concentrator that it has the IP version for. */
function openLines(uplinks: readonly ResolvedUplink[], records: readonly Int32Array[]): EnrolLine[] {
  return uplinks.flatMap((uplink) =>
    records.flatMap((record) => {
      const address = record[0] === 6 ? uplink.ipv6 : uplink.ipv4;
      const socket = address === null ? null : openSocket(uplink.device, address.source, record[0] === 6 ? 6 : 4);
      return socket === null ? [] : [{ socket, record, uplink: uplink.name }];
    }),
  );
}

/** null: this line cannot be used now, the others are tried. */
function openSocket(device: string, address: string, family: 4 | 6): number | null {
  try {
    const options = { family, device, address, port: 0, bufferBytes: 0, gro: false, packetInfo: false } as const;
    return native().udpOpen(options).fd;
  } catch {
    return null; // The address may have gone since it was looked at.
  }
}

async function resolveEndpoints({ endpoints }: Invite): Promise<Int32Array[]> {
  const found = await Promise.all(
    endpoints.map(async (endpoint) => {
      if (endpoint.family !== null) return [formatEndpoint(endpoint)];
      const addresses = await lookup(endpoint.host, { all: true }).catch(() => []);
      return addresses.map(({ address, family }) =>
        formatEndpoint({ host: address, port: endpoint.port, family: family === 6 ? 6 : 4 }),
      );
    }),
  );
  return found.flat().flatMap((text) => parseEndpoint(text) ?? []);
}

function noWay({ endpoints }: Invite): WanbondError {
  const list = endpoints.map(formatEndpoint).join(", ");
  const sentence = `No uplink leads to ${list}: its name has no address, or no uplink has its IP version. Check name resolution (getent hosts NAME).`;
  return new WanbondError("WB_JOIN_NO_WAY", EX_UNAVAILABLE, sentence);
}

function noAnswer({ endpoints, expiresS, name }: Invite, isMet: boolean): WanbondError {
  const list = endpoints.map(formatEndpoint).join(", ");
  if (isMet) {
    const sentence = `The concentrator at ${list} answers, but not to this request: use the same version of wanbond on both sides, and try again.`;
    return new WanbondError("WB_JOIN_NO_ANSWER", EX_TEMPFAIL, sentence);
  }
  const isPast = Date.now() / 1000 > expiresS;
  const end = isPast ? ` The invite expired on ${new Date(expiresS * 1000).toISOString()}.` : "";
  const sentence = `Nobody answers at ${list}: the concentrator does not run or its UDP port is closed (the provider's firewall, too), or the invite is not of that concentrator.${end} Look there: wanbond concentrator clients (is ${name} among the invites?)`;
  return new WanbondError("WB_JOIN_NO_ANSWER", EX_TEMPFAIL, sentence);
}
