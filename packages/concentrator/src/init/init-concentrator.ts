import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  checkConfigText,
  formatEndpoint,
  isHostOf,
  parseEndpoint,
  parsePrefix,
  readRegister,
  registerFile,
} from "@wanbond/shared/config";
import { EX_CANTCREAT, EX_CONFIG, EX_TEMPFAIL, EX_USAGE, WanbondError } from "@wanbond/shared/errors";
import { native } from "@wanbond/shared/io";
import { beginConfiguration, type InitReport, type InitRequest } from "@wanbond/shared/runtime";
import { createRunner, type Runner, readNetworksInUse, requirePrerequisites } from "@wanbond/shared/system";
import { endpointsAt, findOwnAddresses, type OwnAddresses } from "../public-endpoints.ts";
import { chooseTunnelAddress, conflictOf } from "./address-plan.ts";
import { concentratorDocument } from "./concentrator-document.ts";
import { firewallHints } from "./firewall-hints.ts";

const DEFAULT_PORT = 51900;
const KEY_NAME = "concentrator.key";

/** Writes a working configuration and key of a concentrator; nothing on the system is changed. @throws WanbondError */
export async function initConcentrator(options: InitRequest): Promise<InitReport> {
  const { tap } = options;
  // A relative name of the key would count from the folder of the file.
  const configPath = resolve(options.configPath);
  if (!options.force && existsSync(configPath)) throw exists(configPath);
  const runner = createRunner();
  await requirePrerequisites(runner, { programs: ["ip", "nft"], devices: [] });
  const own = await findOwnAddresses(runner);
  const listen = listenOf(options, own);
  const address = addressOf(options, [...(await readNetworksInUse(runner, [tap])), ...knownLans(tap)]);
  const endpoints = endpointsOf(options, own, listen);
  const keyFile = join(dirname(configPath), KEY_NAME);
  const settings = { listen, endpoints, keyFile, tap, address, written: new Date().toISOString() };
  const text = concentratorDocument(settings);
  checkConfigText(text, configPath);
  const publicKey = write(configPath, text);
  return { configPath, publicKey, listen, endpoints, address, hints: await hintsOf(runner, endpoints, own, listen) };
}

/** @returns the public key. */
function write(configPath: string, text: string): string {
  const files = beginConfiguration(configPath, KEY_NAME);
  try {
    files.commit(text);
    return files.publicKey;
  } catch (error) {
    files.discard();
    throw error;
  }
}

/** @throws WanbondError */
function listenOf({ listen }: InitRequest, { reachable, hidden }: OwnAddresses): string[] {
  const hasIpv6 = [...reachable, ...hidden].some((address) => address.includes(":"));
  const wanted =
    listen.length > 0 ? [...listen] : [`0.0.0.0:${DEFAULT_PORT}`, ...(hasIpv6 ? [`[::]:${DEFAULT_PORT}`] : [])];
  for (const text of wanted) requireFreePort(text);
  return wanted;
}

/** @throws WanbondError when another program has it. */
function requireFreePort(text: string): void {
  const endpoint = parseEndpoint(text);
  if (endpoint === null || endpoint.family === null) {
    const sentence = `--listen ${text} is no address and port. Write it as 0.0.0.0:${DEFAULT_PORT} or [::]:${DEFAULT_PORT}.`;
    throw new WanbondError("WB_USAGE", EX_USAGE, sentence);
  }
  try {
    const { host: address, port, family } = endpoint;
    const options = { family, address, port, bufferBytes: 0, gro: false, packetInfo: false } as const;
    native().close(native().udpOpen(options).fd);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const why =
      code === "EADDRINUSE" ? "another program listens there (ss -lunp shows it)" : `it cannot be opened (${code})`;
    const sentence = `UDP ${text} is not free: ${why}. Stop that program, or choose another port with --listen.`;
    throw new WanbondError("WB_LISTEN_BUSY", EX_TEMPFAIL, sentence);
  }
}

/** @throws WanbondError */
function addressOf({ address }: InitRequest, inUse: readonly string[]): string[] {
  if (address.length === 0) {
    const chosen = chooseTunnelAddress(inUse);
    if (chosen !== null) return [chosen];
    const sentence =
      "Every network that wanbond would choose is in use here. Name a free one with --address 10.77.0.1/24.";
    throw new WanbondError("WB_ADDRESS_CONFLICT", EX_CONFIG, sentence);
  }
  return address.map((text) => givenAddress(text, inUse));
}

/** A network is as good as an address in it: the first one is taken. */
function givenAddress(text: string, inUse: readonly string[]): string {
  const prefix = parsePrefix(text);
  if (prefix === null || prefix.bits >= prefix.bytes.length * 8 - 1) {
    const sentence = `--address ${text} is no network for a tunnel. Write it as 10.77.0.0/24: the concentrator takes its first address.`;
    throw new WanbondError("WB_USAGE", EX_USAGE, sentence);
  }
  const taken = inUse.flatMap((each) => parsePrefix(each) ?? []);
  const conflict = conflictOf(text, taken);
  if (conflict !== null) {
    const sentence = `--address ${text} overlaps with ${conflict}, which this host or a client uses. Name another network.`;
    throw new WanbondError("WB_ADDRESS_CONFLICT", EX_CONFIG, sentence);
  }
  return isHostOf(prefix, prefix) ? prefix.text : firstHost(prefix.address, prefix.bits);
}

function firstHost(network: string, bits: number): string {
  return network.includes(":")
    ? `${network.replace(/::$/, "::1")}/${bits}`
    : `${network.replace(/\.\d+$/, ".1")}/${bits}`;
}

/** Networks of clients that joined an earlier configuration. */
function knownLans(tap: string): string[] {
  const file = registerFile({ dataDirectory: "/var/lib/wanbond", tap });
  return readRegister(file).clients.flatMap(({ routes }) => routes);
}

/** @throws WanbondError */
function endpointsOf({ endpoints }: InitRequest, own: OwnAddresses, listen: readonly string[]): string[] {
  const listening = listen.flatMap((text) => parseEndpoint(text) ?? []);
  if (endpoints.length === 0) return endpointsAt(own.reachable, listening).map(formatEndpoint);
  return endpoints.map((text) => {
    const endpoint = parseEndpoint(text) ?? parseEndpoint(`${text}:${listening[0]?.port ?? DEFAULT_PORT}`);
    if (endpoint !== null) return formatEndpoint(endpoint);
    const sentence = `--endpoint ${text} is no address and port. Write it as 203.0.113.10:${DEFAULT_PORT} or vpn.example.net:${DEFAULT_PORT}.`;
    throw new WanbondError("WB_USAGE", EX_USAGE, sentence);
  });
}

async function hintsOf(
  runner: Runner,
  endpoints: readonly string[],
  { hidden }: OwnAddresses,
  listen: readonly string[],
): Promise<string[]> {
  const port = parseEndpoint(listen[0] ?? "")?.port ?? DEFAULT_PORT;
  const firewall = await firewallHints(runner, port);
  if (endpoints.length > 0) return firewall;
  const why = hidden.length > 0 ? `${hidden.join(" and ")} is a private address` : "there is no default route";
  const sentence = `How the internet reaches this host is not known: ${why}. Say it: endpoints = ["PUBLIC_ADDRESS:${port}"] in the file, or init --force --endpoint PUBLIC_ADDRESS:${port}.`;
  return [sentence, ...firewall];
}

function exists(file: string): WanbondError {
  const sentence = `There is ${file} already: a configuration is never changed without being asked. Use --force to replace it (the old one goes to ${file}.old, the key stays), or --config for another file.`;
  return new WanbondError("WB_FILE_EXISTS", EX_CANTCREAT, sentence);
}
