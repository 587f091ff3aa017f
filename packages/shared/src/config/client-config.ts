import * as z from "zod";
import { parseIpAddress } from "../packet/index.ts";
import { MAX_PATHS } from "../wire/index.ts";
import { BondingSchema } from "./bonding-settings.ts";
import { UPLINK_CHECKS } from "./client-checks.ts";
import { CONCENTRATOR_TABLE_CHECKS, Concentrators, ConcentratorTable } from "./concentrator-tables.ts";
import { type CrossCheck, unique, withoutEffect } from "./cross-checks.ts";
import { valueAt } from "./document.ts";
import { FALLBACK_CHECKS, FALLBACK_KEYS, Failover, Fallback } from "./fallback-tables.ts";
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
  concentrator: Concentrators,
  uplinks: fields.oneOf("auto").optional(),
  uplink: z.array(Uplink).max(MAX_PATHS).optional(),
  bonding: BondingSchema.optional(),
  failover: Failover.prefault({}),
  fallback: Fallback.prefault({}),
});

const KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ["", Object.keys(ClientSchema.shape)],
  ["client", Object.keys(Client.shape)],
  ["concentrator", Object.keys(ConcentratorTable.shape)],
  ["uplink", Object.keys(Uplink.shape)],
  ...FALLBACK_KEYS,
]);

export type UplinkConfig = z.infer<typeof Uplink>;

const isBridged = (raw: unknown): boolean => valueAt(raw, ["client", "mode"]) === "bridged";

const CHECKS: readonly CrossCheck[] = [
  unique("name", [["uplink", "*", "name"]]),
  unique("address", [["uplink", "*", "source"]], (text) => parseIpAddress(text)?.join(".") ?? null),
  withoutEffect(
    ["client", "bridge"],
    (raw) => !isBridged(raw),
    "in routed mode",
    'Remove it, or set mode = "bridged".',
  ),
  withoutEffect(["client", "defaultRoute"], isBridged, "in bridged mode", "Remove it: a bridge does not route."),
  withoutEffect(["client", "lan"], isBridged, "in bridged mode", "Remove it: a bridge does not route."),
  ...UPLINK_CHECKS,
  ...CONCENTRATOR_TABLE_CHECKS,
  ...FALLBACK_CHECKS,
];

export const CLIENT_RULES: FileRules<typeof ClientSchema> = { schema: ClientSchema, keys: KEYS, checks: CHECKS };
