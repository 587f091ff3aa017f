import * as z from "zod";
import { BondingSchema } from "./bonding-settings.ts";
import { CONCENTRATOR_ADDRESS_CHECKS } from "./concentrator-checks.ts";
import { type CrossCheck, unique, withoutEffect } from "./cross-checks.ts";
import { valueAt } from "./document.ts";
import { endpointIdentity } from "./endpoint.ts";
import * as fields from "./fields.ts";
import type { FileRules } from "./validate.ts";

/** They have to fit an invite, which has to fit a QR code. */
const MAX_OWN_ENDPOINTS = 8;

const Concentrator = z.strictObject({
  listen: z.array(fields.listenAddress).min(1),
  /** What invites tell clients: where this concentrator is reached from the internet; empty: the address of the default route. */
  endpoints: z.array(fields.endpoint).max(MAX_OWN_ENDPOINTS).default([]),
  privateKeyFile: fields.filePath,
  tap: fields.deviceName.default("wb0"),
  mode: fields.oneOf("routed", "bridged").default("routed"),
  /** The Linux bridge that takes the TAP as a port, in bridged mode; null leaves the TAP alone. */
  bridge: fields.deviceName.nullable().default(null),
  /** Of the TAP; the clients' addresses lie in these networks. */
  address: z.array(fields.interfaceAddress).default([]),
  /** Masquerade what the clients send to the internet over IPv4. */
  nat: fields.flag.default(false),
  /** The same for IPv6; without it the prefix has to be routed to this host. */
  nat66: fields.flag.default(false),
  clientToClient: fields.flag.default(false),
  /** Of the TAP; "auto" follows the narrowest client. */
  mtu: fields.mtu.default("auto"),
  controlSocket: fields.absolutePath.nullable().default(null),
  stateDirectory: fields.absolutePath.nullable().default(null),
  /** Outlives a reboot: clients that joined, and invites. */
  dataDirectory: fields.absolutePath.default("/var/lib/wanbond"),
  logLevel: fields.logLevel,
});

const Client = z.strictObject({
  name: fields.memberName,
  publicKey: fields.publicKey,
  presharedKeyFile: fields.filePath.nullable().default(null),
  /** "none" counts when the client says it too: authenticated, not encrypted. */
  encryption: fields.oneOf("encrypted", "none").default("encrypted"),
  /** Single hosts: what the client's TAP gets. */
  address: z.array(fields.interfaceAddress).default([]),
  /** Networks behind the client. */
  routes: z.array(fields.network).default([]),
  /** Instead of the concentrator's [bonding] for this client; null takes that. */
  bonding: BondingSchema.nullable().default(null),
});

/** Everything a concentrator's file may hold; defaults are filled in. */
export const ConcentratorSchema = z.strictObject({
  concentrator: Concentrator,
  /** Those that join by an invite stand elsewhere: joined-clients.ts. */
  client: z.array(Client).default([]),
  bonding: BondingSchema.optional(),
});

const KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ["", Object.keys(ConcentratorSchema.shape)],
  ["concentrator", Object.keys(Concentrator.shape)],
  ["client", Object.keys(Client.shape)],
]);

export type ConcentratorClientConfig = z.infer<typeof Client>;

const isBridged = (raw: unknown): boolean => valueAt(raw, ["concentrator", "mode"]) === "bridged";
const isPort = (raw: unknown): boolean => isBridged(raw) && valueAt(raw, ["concentrator", "bridge"]) !== undefined;
const inBridged = (key: string, remedy: string): CrossCheck =>
  withoutEffect(["concentrator", key], isBridged, "in bridged mode", remedy);

const CHECKS: readonly CrossCheck[] = [
  unique("endpoint", [["concentrator", "endpoints", "*"]], endpointIdentity),
  unique("address and port", [["concentrator", "listen", "*"]], endpointIdentity),
  unique("name", [["client", "*", "name"]]),
  unique("public key", [["client", "*", "publicKey"]], (text) => text.trim()),
  withoutEffect(
    ["concentrator", "bridge"],
    (raw) => !isBridged(raw),
    "in routed mode",
    'Remove it, or set mode = "bridged".',
  ),
  withoutEffect(["concentrator", "address"], isPort, "on a port of a bridge", "Give the address to the bridge itself."),
  inBridged("nat", "Remove it: a bridge does not translate addresses."),
  inBridged("nat66", "Remove it: a bridge does not translate addresses."),
  ...CONCENTRATOR_ADDRESS_CHECKS,
];

export const CONCENTRATOR_RULES: FileRules<typeof ConcentratorSchema> = {
  schema: ConcentratorSchema,
  keys: KEYS,
  checks: CHECKS,
};

/** A client that joined, as if it stood in the file. null: no file may say that. */
export function joinedClientConfig(client: {
  readonly name: string;
  readonly publicKey: string;
  readonly address: readonly string[];
  readonly routes: readonly string[];
}): ConcentratorClientConfig | null {
  const { name, publicKey, address, routes } = client;
  const result = Client.safeParse({ name, publicKey, address, routes });
  return result.success ? result.data : null;
}
