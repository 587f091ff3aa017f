import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  checkConfigText,
  decodeInvite,
  type EnrolReply,
  encodeEnrolRequest,
  type Invite,
  MAX_ENROLLED_NETWORKS,
  MAX_TOLD_NETWORKS,
  readKeyFile,
} from "@wanbond/shared/config";
import { formatKey, generatePrivateKey, publicKeyOf } from "@wanbond/shared/crypto";
import { EX_CANTCREAT, EX_CONFIG, EX_DATAERR, EX_TEMPFAIL, EX_UNAVAILABLE, WanbondError } from "@wanbond/shared/errors";
import {
  beginFile,
  createRunner,
  makeKeyFolder,
  type Runner,
  readNetworksInUse,
  replaceFile,
  requirePrerequisites,
} from "@wanbond/shared/system";
import { type ResolvedUplink, readUplinkFacts, resolveUplinks, type UplinkFacts } from "../uplink/index.ts";
import { clientDocument } from "./client-document.ts";
import { enrol } from "./enrol.ts";
import { findLanNetworks, givenNetworks, requireApartNetworks, requireUplinks } from "./lan-discovery.ts";

/** More than a file of a join ever has. */
const DOCUMENT_ROOM_BYTES = 16 * 1024;
const DEFAULT_PATIENCE_MS = 20_000;

export interface JoinOptions {
  readonly invite: string;
  readonly configPath: string;
  /** Networks behind this host; null: what is found; none: this host alone. */
  readonly lan: readonly string[] | null;
  readonly tap: string;
  /** Replaces a configuration that is there; its text goes to FILE.old. */
  readonly force: boolean;
  readonly patienceMs?: number;
}

/** What a join found and made, for the operator. */
export interface JoinReport {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly lan: readonly string[];
  readonly uplinks: readonly string[];
  readonly configPath: string;
  /** Sentences about what works, but less well than it could. */
  readonly warnings: readonly string[];
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
  makeKeyFolder(dirname(configPath));
  // Room on the disk is taken before the invite is used up.
  const document = beginFile(configPath, DOCUMENT_ROOM_BYTES);
  const key = takeKey(join(dirname(configPath), "client.key"), document.discard);
  const clean = () => {
    document.discard();
    key.forget();
  };
  const interrupted = onInterrupt(clean);
  try {
    const request = await requestFor(key.publicKey, lan, runner, options);
    const { reply } = await enrol(invite, uplinks, request, options.patienceMs ?? DEFAULT_PATIENCE_MS);
    if (!reply.ok) throw refused(reply);
    // From here on the key is that of a client: if the disk fails now, the same invite and this key are good for another try.
    key.keep();
    const text = clientDocument({ ...settingsOf(reply, invite), keyFile: key.file, tap: options.tap });
    checkConfigText(text, configPath);
    keepOld(configPath);
    document.commit(text);
    return reportOf(reply, configPath, uplinks, lan);
  } catch (error) {
    clean();
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

interface TakenKey {
  readonly publicKey: string;
  readonly file: string;
  /** It stays from now on, whatever happens. */
  keep(): void;
  /** Removes it again, if it was made for this join and is not kept. */
  forget(): void;
}

/** A key that is there is used again: a join that was cut off can be repeated with the same invite. */
function takeKey(file: string, onFault: () => void): TakenKey {
  try {
    const old = existsSync(file) ? readOldKey(file) : null;
    const privateKey = old ?? generatePrivateKey(randomBytes);
    if (old === null) replaceFile(file, `${formatKey(privateKey)}\n`);
    let isOurs = old === null;
    return {
      publicKey: formatKey(publicKeyOf(privateKey)),
      file,
      keep: () => {
        isOurs = false;
      },
      forget: () => {
        if (isOurs) rmSync(file, { force: true });
      },
    };
  } catch (error) {
    onFault();
    throw error;
  }
}

/** @throws WanbondError when others may read it, or it holds none. */
function readOldKey(file: string): Uint8Array {
  const { key, fault } = readKeyFile(file);
  if (key !== null) return key;
  throw new WanbondError("WB_BAD_KEY", EX_CONFIG, `The key file here ${fault.problem}. ${fault.remedy}`);
}

function keepOld(configPath: string): void {
  if (existsSync(configPath)) replaceFile(`${configPath}.old`, readFileSync(configPath, "utf8"));
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
