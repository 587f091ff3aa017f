import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute } from "./netns.ts";
import { isUsable, Program, wanbondCommand } from "./program.ts";
import { renderToml, type TomlTable } from "./toml.ts";
import { ADDRESSES, type Topology } from "./topology.ts";
import { waitFor } from "./wait.ts";

/**
 * Both ends of one bond in a topology: keys by `wanbond keygen`, TOML files, the real programs.
 *
 *   inner addresses: concentrator 10.200.0.1/24 and fd00:200::1/64, client .2; the client's LAN is routed through it
 */
export interface BondPair {
  readonly client: Program;
  readonly concentrator: Program;
  /** Keys, configurations, control sockets. */
  readonly folder: string;
  /** Both programs run, the client has got its addresses, and says that this many members are usable. Default: all. */
  start(memberCount?: number): Promise<void>;
  waitForMembers(count: number, deadlineMs?: number): Promise<void>;
  /** Stops both and removes the folder. */
  stop(): Promise<void>;
}

export interface PairOptions {
  /** [bonding] of both ends, or of one alone. */
  readonly bonding?: TomlTable;
  readonly bondingAt?: "both" | "client" | "concentrator";
  /** Numbers of the uplinks in use, from 0. Default: all. */
  readonly uplinks?: readonly number[];
  /** [fallback] and [failover] of the client. */
  readonly fallback?: TomlTable;
  readonly failover?: TomlTable;
  /** Further [[concentrator]] tables of the client. */
  readonly reserves?: readonly TomlTable[];
  /** More keys of [client] and [concentrator]; undefined takes one away. */
  readonly client?: TomlTable;
  readonly concentrator?: TomlTable;
  /** More keys of every [[uplink]]; "auto" in place of all these tables. */
  readonly uplink?: TomlTable | "auto";
  /** More keys of the concentrator's [[client]]. */
  readonly peer?: TomlTable;
  /** Where the client finds the concentrator. Default: its IPv4 address. */
  readonly endpoints?: readonly string[];
  /** Put before the command that runs the client; it has to exec what follows. */
  readonly clientPrefix?: readonly string[];
}

export const INNER = {
  concentrator: "10.200.0.1",
  client: "10.200.0.2",
  concentrator6: "fd00:200::1",
  client6: "fd00:200::2",
} as const;

export const PORT = 51900;

/** Writes keys and configurations; nothing runs before start(). */
export async function preparePair(topology: Topology, options: PairOptions = {}): Promise<BondPair> {
  const folder = mkdtempSync(join(tmpdir(), `wanbond-pair-${process.pid}-`));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", removeFolder);
  const [clientKey, concentratorKey] = await Promise.all([
    writeKey(folder, "client"),
    writeKey(folder, "concentrator"),
  ]);
  const client = new Program("client", topology.router, folder, options.clientPrefix);
  const concentrator = new Program("concentrator", topology.concentrator, folder);
  writeFileSync(client.configFile, renderToml(clientDocument(topology, options, folder, concentratorKey)));
  writeFileSync(concentrator.configFile, renderToml(concentratorDocument(topology, options, folder, clientKey)));

  async function waitForMembers(count: number, deadlineMs = 15_000): Promise<void> {
    const enough = async () => {
      const members = (await client.status()).bonds[0]?.members ?? [];
      return members.filter((member) => isUsable(member.state)).length === count;
    };
    await waitFor(enough, { what: `${count} members are usable`, deadlineMs, intervalMs: 100 });
  }

  return {
    client,
    concentrator,
    folder,
    waitForMembers,
    async start(memberCount = options.uplinks?.length ?? topology.uplinks.length) {
      const from = client.logs.length;
      await Promise.all([concentrator.start(), client.start()]);
      const isReady = () => client.events("ready", from).length > 0;
      const ready = waitFor(isReady, { what: "the client is ready", deadlineMs: 15_000 });
      await Promise.all([ready, waitForMembers(memberCount)]).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${client.transcript()}\n${concentrator.transcript()}`);
      });
    },
    async stop() {
      await Promise.all([client.stop(), concentrator.stop()]);
      removeFolder();
      process.off("exit", removeFolder);
    },
  };
}

/** Runs a bond for the time of `use`; when that fails, what both programs said is shown. */
export async function withPair(
  topology: Topology,
  options: PairOptions,
  use: (pair: BondPair) => Promise<void>,
): Promise<void> {
  const pair = await preparePair(topology, options);
  try {
    await pair.start();
    await use(pair);
  } catch (error) {
    console.error(`${pair.client.transcript()}\n${pair.concentrator.transcript()}`);
    throw error;
  } finally {
    await pair.stop();
  }
}

/** What both files say about themselves. */
export function ownSettings(folder: string, role: string): TomlTable {
  const stateDirectory = join(folder, `${role}-state`);
  mkdirSync(stateDirectory);
  const places = { controlSocket: join(folder, `${role}.sock`), stateDirectory };
  const data = role === "concentrator" ? { dataDirectory: join(folder, "concentrator-data") } : {};
  return { privateKeyFile: join(folder, `${role}.key`), ...places, ...data };
}

function clientDocument(topology: Topology, options: PairOptions, folder: string, publicKey: string): TomlTable {
  const used = options.uplinks ?? topology.uplinks.map((_, index) => index);
  const lan = topology.ipv6 ? [ADDRESSES.lanNetwork, ADDRESSES.lanNetwork6] : [ADDRESSES.lanNetwork];
  const uplinkTable = (index: number): TomlTable => {
    const { name = "", gateway = "" } = topology.uplinks[index] ?? {};
    return { name, device: name, gateway, ...(options.uplink !== "auto" && options.uplink) };
  };
  const preferred = { publicKey, endpoints: options.endpoints ?? [`${ADDRESSES.concentrator}:${PORT}`] };
  return {
    client: { ...ownSettings(folder, "client"), defaultRoute: true, lan, ...options.client },
    concentrator: options.reserves === undefined ? preferred : [preferred, ...options.reserves],
    fallback: options.fallback,
    failover: options.failover,
    ...(options.uplink === "auto" ? { uplinks: "auto" } : { uplink: used.map((index) => uplinkTable(index)) }),
    ...bondingOf(options, "client"),
  };
}

function bondingOf({ bonding, bondingAt = "both" }: PairOptions, role: "client" | "concentrator"): TomlTable {
  return bonding !== undefined && (bondingAt === "both" || bondingAt === role) ? { bonding } : {};
}

function concentratorDocument(topology: Topology, options: PairOptions, folder: string, publicKey: string): TomlTable {
  const six = topology.ipv6;
  return {
    concentrator: {
      listen: six ? [`0.0.0.0:${PORT}`, `[::]:${PORT}`] : [`0.0.0.0:${PORT}`],
      ...ownSettings(folder, "concentrator"),
      address: [`${INNER.concentrator}/24`, ...(six ? [`${INNER.concentrator6}/64`] : [])],
      nat: topology.nat,
      ...(six && { nat66: topology.nat }),
      ...options.concentrator,
    },
    client: [
      {
        name: "home1",
        publicKey,
        address: [`${INNER.client}/32`, ...(six ? [`${INNER.client6}/128`] : [])],
        routes: six ? [ADDRESSES.lanNetwork, ADDRESSES.lanNetwork6] : [ADDRESSES.lanNetwork],
        ...options.peer,
      },
    ],
    ...bondingOf(options, "concentrator"),
  };
}

interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

const keyPairs = new Map<string, Promise<KeyPair>>();

/** Writes the private key of one end as ROLE.key; each end has the same one in all tests of a file. @returns the public key. */
export async function writeKey(folder: string, role: string, end = role): Promise<string> {
  const pair = keyPairs.get(end) ?? makeKeys();
  keyPairs.set(end, pair);
  const { privateKey, publicKey } = await pair;
  writeFileSync(join(folder, `${role}.key`), privateKey, { mode: 0o600 });
  return publicKey;
}

async function makeKeys(): Promise<KeyPair> {
  const privateKey = await execute(wanbondCommand("keygen"));
  return { privateKey, publicKey: (await execute(wanbondCommand("pubkey"), { input: privateKey })).trim() };
}
