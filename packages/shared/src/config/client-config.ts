import * as z from "zod";
import { parseIpAddress } from "../packet/index.ts";
import { MAX_PATHS } from "../wire/index.ts";
import { BondingSchema } from "./bonding-stub.ts";
import { type CrossCheck, unique, withoutEffect } from "./cross-checks.ts";
import { countAt, entriesAt, valueAt } from "./document.ts";
import { endpointIdentity } from "./endpoint.ts";
import type { RawFault } from "./fault.ts";
import * as fields from "./fields.ts";

import type { FileRules } from "./validate.ts";

const Client = z.strictObject({
  privateKeyFile: fields.filePath,
  presharedKeyFile: fields.filePath.nullable().default(null),
  tap: fields.deviceName.default("wb0"),
  mode: fields.oneOf("routed", "bridged").default("routed"),
  /** The Linux bridge that takes the TAP as a port, in bridged mode; null leaves the TAP alone. */
  bridge: fields.deviceName.nullable().default(null),
  /** "none": authenticated, not encrypted. */
  encryption: fields.oneOf("encrypted", "none").default("encrypted"),
  /** Of the TAP; "auto" follows the narrowest member. */
  mtu: fields.mtu.default("auto"),
  defaultRoute: fields.flag.default(false),
  lan: z.array(fields.network).default([]),
  controlSocket: fields.absolutePath.nullable().default(null),
  stateDirectory: fields.absolutePath.nullable().default(null),
  logLevel: fields.logLevel,
});

const Concentrator = z.strictObject({
  publicKey: fields.publicKey,
  endpoints: z.array(fields.endpoint).min(1).max(MAX_PATHS),
});

const Uplink = z.strictObject({
  name: fields.memberName,
  device: fields.deviceName,
  /** null: the device's own address. */
  source: fields.ipAddress.nullable().default(null),
  /** null: the gateway of the device's default route. */
  gateway: fields.ipAddress.nullable().default(null),
  metered: fields.flag.default(false),
  /** Of the line; "auto" starts from the device's MTU and probes. */
  mtu: fields.mtu.default("auto"),
});

/** Everything a client's file may hold; defaults are filled in. */
export const ClientSchema = z.strictObject({
  client: Client,
  concentrator: Concentrator,
  uplinks: fields.oneOf("auto").optional(),
  uplink: z.array(Uplink).max(MAX_PATHS).optional(),
  bonding: BondingSchema.optional(),
});

const KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ["", Object.keys(ClientSchema.shape)],
  ["client", Object.keys(Client.shape)],
  ["concentrator", Object.keys(Concentrator.shape)],
  ["uplink", Object.keys(Uplink.shape)],
]);

export type UplinkConfig = z.infer<typeof Uplink>;

const isBridged = (raw: unknown): boolean => valueAt(raw, ["client", "mode"]) === "bridged";

const CHECKS: readonly CrossCheck[] = [
  unique("name", [["uplink", "*", "name"]]),
  unique("address", [["uplink", "*", "source"]], (text) => parseIpAddress(text)?.join(".") ?? null),
  unique("endpoint", [["concentrator", "endpoints", "*"]], endpointIdentity),
  withoutEffect(
    ["client", "bridge"],
    (raw) => !isBridged(raw),
    "in routed mode",
    'Remove it, or set mode = "bridged".',
  ),
  withoutEffect(["client", "defaultRoute"], isBridged, "in bridged mode", "Remove it: a bridge does not route."),
  withoutEffect(["client", "lan"], isBridged, "in bridged mode", "Remove it: a bridge does not route."),
  uplinksGivenOnce,
  pathsFit,
  sharedDevicesHaveSources,
  gatewaysFitSources,
];

export const CLIENT_RULES: FileRules<typeof ClientSchema> = { schema: ClientSchema, keys: KEYS, checks: CHECKS };

function uplinksGivenOnce(raw: unknown): RawFault[] {
  const isAuto = valueAt(raw, ["uplinks"]) !== undefined;
  const isListed = valueAt(raw, ["uplink"]) !== undefined;
  if (isAuto && isListed) {
    const remedy = 'Keep uplinks = "auto" for every device with a default route, or the [[uplink]] tables.';
    return [{ path: ["uplinks"], problem: "stands beside [[uplink]] tables", remedy }];
  }
  if (isAuto || countAt(raw, ["uplink"]) > 0) return [];
  const remedy = 'Write uplinks = "auto" above all tables, or an [[uplink]] table for every line.';
  return [{ path: ["uplink"], problem: "is missing: no uplink is given", remedy }];
}

/** A path is an uplink times an endpoint, and paths are numbered below MAX_PATHS. */
function pathsFit(raw: unknown): RawFault[] {
  const paths = countAt(raw, ["uplink"]) * countAt(raw, ["concentrator", "endpoints"]);
  if (paths <= MAX_PATHS) return [];
  const problem = `times the number of uplinks makes ${paths} paths, more than ${MAX_PATHS}`;
  return [{ path: ["concentrator", "endpoints"], problem, remedy: "Name fewer endpoints or fewer uplinks." }];
}

/** Two uplinks of one device are told apart by their source addresses. */
function sharedDevicesHaveSources(raw: unknown): RawFault[] {
  const devices = entriesAt(raw, ["uplink", "*", "device"]);
  return devices.flatMap(({ path, text }) => {
    const isShared = devices.filter((other) => other.text === text).length > 1;
    if (!isShared || valueAt(raw, [...path.slice(0, -1), "source"]) !== undefined) return [];
    return [{ path, problem: "is shared with another uplink", remedy: "Give each of them its own source address." }];
  });
}

function gatewaysFitSources(raw: unknown): RawFault[] {
  return entriesAt(raw, ["uplink", "*", "gateway"]).flatMap(({ path, text }) => {
    const source = valueAt(raw, [...path.slice(0, -1), "source"]);
    const sourceBytes = typeof source === "string" ? parseIpAddress(source) : null;
    const gatewayBytes = parseIpAddress(text);
    if (sourceBytes === null || gatewayBytes === null || sourceBytes.length === gatewayBytes.length) return [];
    const remedy = "Source and gateway are both IPv4 or both IPv6: make two uplinks of a line with both.";
    return [{ path, problem: "is not of the same IP version as source", remedy }];
  });
}
