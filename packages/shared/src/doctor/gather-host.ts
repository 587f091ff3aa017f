import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { native } from "../io/index.ts";
import {
  findMissingPrerequisites,
  liveInstances,
  networkOf,
  OWN_PROTOCOL,
  type Runner,
  readAddresses,
  readLinks,
  readOwnRoutes,
  readRules,
} from "../system/index.ts";
import type { FileFact, HostFacts, NetworkFact, Plan } from "./facts.ts";

/** Looks at this machine and leaves it as it is; one TAP and one socket are made and closed at once. */
export async function gatherHost(runner: Runner, plan: Plan): Promise<HostFacts> {
  const links = await orElse(readLinks(runner), []);
  const missing = await findMissingPrerequisites(runner, { programs: [], devices: [] });
  const isMissing = (code: string) => missing.some((fault) => fault.code === code);
  const rules = await orElse(readRules(runner), []);
  return {
    tun: !isMissing("WB_NO_TUN"),
    mayChangeNetwork: !isMissing("WB_NOT_PERMITTED"),
    tapOffloads: tryTap(),
    udp: tryUdp(),
    aes: native().hasAesInstructions(),
    ruleset: await orElse(runner.run("nft", ["-j", "list", "ruleset"]).then(parsed), null),
    links,
    networks: await orElse(readNetworks(runner), []),
    ipForward: {
      ipv4: await flag(runner, "net/ipv4/ip_forward"),
      ipv6: await flag(runner, "net/ipv6/conf/all/forwarding"),
    },
    rpFilter: await readRpFilter(runner, ["all", ...links.map(({ name }) => name)]),
    conntrack: await readConntrack(runner),
    wallMs: Date.now(),
    files: plan.files.flatMap(fileFact),
    ownRules: rules.filter(({ protocol }) => protocol === OWN_PROTOCOL),
    ownRoutes: await orElse(readOwnRoutes(runner), []),
    ownTables: await orElse(readOwnTables(runner), []),
    journals: plan.stateDirectories.flatMap(journalsIn),
    liveInstances: plan.stateDirectories.flatMap((directory) => liveInstances(directory)),
    udpPorts: ["udp", "udp6"].flatMap(boundPorts),
  };
}

/** A program that is missing, or that refuses this user, leaves a gap in the facts, which the checks name. */
async function orElse<T>(asked: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await asked;
  } catch {
    return otherwise;
  }
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

function tryTap(): HostFacts["tapOffloads"] {
  try {
    const { fd, offloads } = native().tapOpen(`wbd${process.pid}`, { vnet: true });
    native().close(fd);
    return offloads;
  } catch {
    return null; // No right to, or no tun: both are facts of their own.
  }
}

function tryUdp(): HostFacts["udp"] {
  try {
    const { fd, gso, gro } = native().udpOpen({ family: 4, port: 0, bufferBytes: 0, gro: true, packetInfo: false });
    native().close(fd);
    return { gso, gro };
  } catch {
    return null; // A host without IPv4.
  }
}

async function readNetworks(runner: Runner): Promise<NetworkFact[]> {
  const addresses = await readAddresses(runner);
  return addresses
    .filter(({ scope, device }) => scope === 0 && device !== "lo")
    .map(({ device, family, address, length }) => ({
      device,
      address,
      network: networkOf({ family, address, length }),
    }));
}

async function flag(runner: Runner, path: string): Promise<boolean | null> {
  const value = await runner.readSetting(path);
  return value === null ? null : value !== "0";
}

async function readRpFilter(runner: Runner, devices: readonly string[]): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const device of devices) {
    const value = await runner.readSetting(`net/ipv4/conf/${device}/rp_filter`);
    if (value !== null) values[device] = Number(value);
  }
  return values;
}

async function readConntrack(runner: Runner): Promise<HostFacts["conntrack"]> {
  const count = await runner.readSetting("net/netfilter/nf_conntrack_count");
  const max = await runner.readSetting("net/netfilter/nf_conntrack_max");
  return count === null || max === null ? null : { count: Number(count), max: Number(max) };
}

/** `table inet wanbond_wb0` in a line of its own. */
async function readOwnTables(runner: Runner): Promise<string[]> {
  const text = await runner.run("nft", ["list", "tables"]);
  return [...text.matchAll(/^table inet (wanbond_\S+)$/gm)].map((match) => match[1] ?? "");
}

function fileFact(file: string): FileFact[] {
  try {
    const { mode, mtimeMs } = statSync(file);
    return [{ file, mode, changedMs: mtimeMs }];
  } catch {
    return []; // The configuration's own check says what is missing.
  }
}

function journalsIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(".journal"))
    .map((name) => join(directory, name));
}

/** Of /proc/net/udp: "sl local_address rem_address ...", the port in hexadecimal behind the last colon. */
function boundPorts(table: string): number[] {
  try {
    const lines = readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1);
    return lines.flatMap((line) => {
      const port = /^\s*\d+:\s*[0-9A-F]+:([0-9A-F]{4})/.exec(line)?.[1];
      return port === undefined ? [] : [Number.parseInt(port, 16)];
    });
  } catch {
    return []; // A kernel without this family.
  }
}
