import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  checkConfigText,
  decodeInvite,
  type EnrolReply,
  encodeEnrolRequest,
  type Invite,
  MAX_ENROLLED_NETWORKS,
  MAX_TOLD_NETWORKS,
} from "@wanbond/shared/config";
import { formatKey } from "@wanbond/shared/crypto";
import { EX_CANTCREAT, EX_CONFIG, EX_DATAERR, EX_TEMPFAIL, EX_UNAVAILABLE, WanbondError } from "@wanbond/shared/errors";
import { beginConfiguration, type JoinReport, type JoinRequest } from "@wanbond/shared/runtime";
import { createRunner, type Runner, readNetworksInUse, requirePrerequisites } from "@wanbond/shared/system";
import { type ResolvedUplink, readUplinkFacts, resolveUplinks, type UplinkFacts } from "../uplink/index.ts";
import { clientDocument } from "./client-document.ts";
import { enrol } from "./enrol.ts";
import { findLanNetworks, givenNetworks, requireApartNetworks, requireUplinks } from "./lan-discovery.ts";

const DEFAULT_PATIENCE_MS = 20_000;

export interface JoinOptions extends JoinRequest {
  readonly patienceMs?: number;
}

type Welcome = Extract<EnrolReply, { ok: true }>;

/** Codes of refusals; others are told as WB_JOIN_REFUSED. */
const REFUSALS: Readonly<Record<string, readonly [string, number]>> = {
  used: ["WB_INVITE_USED", EX_DATAERR],
  expired: ["WB_INVITE_EXPIRED", EX_DATAERR],
  revoked: ["WB_INVITE_REVOKED", EX_DATAERR],
  "address-conflict": ["WB_ADDRESS_CONFLICT", EX_CONFIG],
  "lan-conflict": ["WB_ADDRESS_CONFLICT", EX_CONFIG],
  "lan-refused": ["WB_LAN_REFUSED", EX_CONFIG],
  "key-known": ["WB_KEY_KNOWN", EX_CONFIG],
  "pool-full": ["WB_POOL_FULL", EX_UNAVAILABLE],
};

/**
 * Becomes a client by an invite: makes a key, asks the concentrator, writes the configuration. Whatever goes wrong on the
 * way, no file is left that was not there, and none is changed.
 *
 * @throws WanbondError
 */
export async function joinClient(options: JoinOptions): Promise<JoinReport> {
  const invite = decodeInvite(options.invite);
  // A relative name of the key would count from the folder of the file.
  const configPath = resolve(options.configPath);
  if (!options.force && existsSync(configPath)) throw exists(configPath);
  const runner = createRunner();
  await requirePrerequisites(runner, { programs: ["ip"], devices: [] });
  const facts = await readUplinkFacts(runner);
  requireFreeDevice(facts, options);
  const uplinks = requireUplinks(resolveUplinks("auto", facts, [options.tap]));
  const lan = lanOf(options, facts, uplinks);
  // Room on the disk is taken before the invite is used up.
  const files = beginConfiguration(configPath, "client.key");
  const interrupted = onInterrupt(files.discard);
  try {
    const request = await requestFor(files.publicKey, lan, runner, options);
    const { reply } = await enrol(invite, uplinks, request, options.patienceMs ?? DEFAULT_PATIENCE_MS);
    if (!reply.ok) throw refused(reply);
    // From here on the key is that of a client: if the disk fails now, the same invite and this key are good for another try.
    files.keepKey();
    const text = clientDocument({ ...settingsOf(reply, invite), keyFile: files.keyFile, tap: options.tap });
    checkConfigText(text, configPath);
    files.commit(text);
    return reportOf(reply, configPath, uplinks, lan);
  } catch (error) {
    files.discard();
    throw error;
  } finally {
    interrupted.dispose();
  }
}

/** Ctrl-C while the net is waited for leaves as little behind as a refusal does. */
function onInterrupt(clean: () => void): { dispose(): void } {
  const signals = ["SIGINT", "SIGTERM"] as const;
  const end = (): void => {
    clean();
    process.exit(EX_TEMPFAIL);
  };
  for (const signal of signals) process.once(signal, end);
  return {
    dispose: () => {
      for (const signal of signals) process.off(signal, end);
    },
  };
}

function settingsOf(reply: Welcome, invite: Invite) {
  const { name, mode, lan, endpoints } = reply;
  const concentratorKey = formatKey(invite.concentratorKey);
  return { name, mode, lan, endpoints, concentratorKey, joined: new Date().toISOString() };
}

function reportOf(
  reply: Welcome,
  configPath: string,
  uplinks: readonly ResolvedUplink[],
  asked: readonly string[],
): JoinReport {
  const { name, addresses, lan } = reply;
  const warnings: string[] = [];
  if (uplinks.length === 1) {
    warnings.push(`There is one uplink, ${uplinks[0]?.name}: it works with that, but bonding needs two.`);
  }
  const foreign = lan.filter((network) => !asked.includes(network));
  if (foreign.length > 0) {
    warnings.push(`The invite gives ${foreign.join(", ")}, and no device of this host is in there.`);
  }
  return { name, addresses, lan, uplinks: uplinks.map((uplink) => uplink.name), configPath, warnings };
}

/** @throws WanbondError */
function lanOf({ lan }: JoinOptions, facts: UplinkFacts, uplinks: readonly ResolvedUplink[]): string[] {
  const found = lan === null ? findLanNetworks(facts, uplinks) : [];
  requireApartNetworks(found, uplinks);
  const networks = lan === null ? found.map(({ network }) => network.text) : givenNetworks(lan);
  if (networks.length <= MAX_ENROLLED_NETWORKS) return networks;
  const sentence = `${networks.length} networks are more than ${MAX_ENROLLED_NETWORKS}. Name the most important ones, or larger ones, with --lan.`;
  throw new WanbondError("WB_USAGE", 64, sentence);
}

/** Tells as many of the host's networks as fit a datagram. */
async function requestFor(
  publicKey: string,
  lan: readonly string[],
  runner: Runner,
  options: JoinOptions,
): Promise<string> {
  const known = await readNetworksInUse(runner, [options.tap]);
  const inUse = known.filter((network) => !lan.includes(network)).slice(0, MAX_TOLD_NETWORKS);
  for (;;) {
    try {
      return encodeEnrolRequest({ version: 1, publicKey, lan: [...lan], lanGiven: options.lan !== null, inUse });
    } catch (error) {
      if (!(error instanceof RangeError) || inUse.pop() === undefined) throw error;
    }
  }
}

/** @throws WanbondError */
function requireFreeDevice(facts: UplinkFacts, { tap, force }: JoinOptions): void {
  if (force || !facts.links.some(({ name }) => name === tap)) return;
  const sentence = `There is a device ${tap} already: wanbond runs here, or another program uses that name. Stop it, or choose another name with --tap.`;
  throw new WanbondError("WB_TAP_BUSY", EX_TEMPFAIL, sentence);
}

function refused({ reason, problem }: Extract<EnrolReply, { ok: false }>): WanbondError {
  const known = Object.hasOwn(REFUSALS, reason) ? REFUSALS[reason] : undefined;
  const [code, exitCode] = known ?? ["WB_JOIN_REFUSED", EX_UNAVAILABLE];
  // It comes from the far end: control characters must not reach a terminal.
  return new WanbondError(code, exitCode, problem.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?"));
}

function exists(file: string): WanbondError {
  const sentence = `There is ${file} already: this host has a configuration, which is never changed without being asked. Join with --force to replace it (the old one goes to ${file}.old), or with --config for another file.`;
  return new WanbondError("WB_FILE_EXISTS", EX_CANTCREAT, sentence);
}
