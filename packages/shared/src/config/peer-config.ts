import * as z from "zod";
import { parseIpAddress } from "../packet/index.ts";
import { MAX_ATTACH_BYTES, MAX_CONFIG_BYTES, MAX_INNER_MTU, MIN_INNER_MTU } from "../wire/index.ts";
import { BondingSchema, type BondingSettings } from "./bonding-settings.ts";
import type { ConcentratorClientConfig, ConcentratorSchema } from "./concentrator-config.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import { networkText, parsePrefix } from "./ip-prefix.ts";
import { encodeJson, parseJson } from "./peer-json.ts";

const prefixText = z.string().refine((text) => parsePrefix(text) !== null);
const addressText = z.string().refine((text) => parseIpAddress(text) !== null);

/** What the concentrator tells a client after the handshake. Unknown keys are dropped, so that versions can differ. */
const Push = z.object({
  version: z.literal(1),
  name: z.string().min(1).max(32),
  mode: z.enum(["routed", "bridged"]),
  /** For the client's TAP, with prefix length. */
  addresses: z.array(prefixText),
  /** Networks that lie behind the concentrator, beside the default route. */
  routes: z.array(prefixText),
  /** Networks behind the client that the concentrator routes to it. */
  lan: z.array(prefixText).default([]),
  /** null: it follows the members. */
  mtu: z.number().int().min(MIN_INNER_MTU).max(MAX_INNER_MTU).nullable(),
  /** For a client that has no [bonding] of its own; null as well when it is of a version that this end does not know. */
  bonding: BondingSchema.nullable().catch(null),
  /** The concentrator's own addresses inside the tunnel, without prefix length. */
  concentratorAddresses: z.array(addressText),
});
export type ConfigPush = z.infer<typeof Push>;

/** What a client tells the concentrator: how its traffic is to be bonded, in both directions. */
const BondingPush = z.object({ version: z.literal(1), bonding: BondingSchema });

const Attach = z.object({
  /** The uplink's name: what the far end calls this member. */
  name: z.string().regex(/^[A-Za-z0-9._-]{1,32}$/),
  /** Device at the client, for display only. */
  device: z.string().min(1).max(15).optional(),
  metered: z.boolean(),
  /** Settings of this link that matter to the far end's direction, under the names of a link in [bonding]. */
  settings: z.record(z.string().max(32), z.union([z.number(), z.boolean(), z.string().max(32)])).default({}),
});
export type AttachInfo = z.infer<typeof Attach>;

/** @throws RangeError when it is larger than MAX_CONFIG_BYTES, which a checked configuration never is. */
export function encodeConfigPush(push: ConfigPush): string {
  return encodeJson(push, MAX_CONFIG_BYTES);
}

/** null for anything that is not a push of version 1. */
export function parseConfigPush(message: Uint8Array): ConfigPush | null {
  return parseJson(message, MAX_CONFIG_BYTES, Push);
}

/** @throws RangeError as encodeConfigPush */
export function encodeBondingPush(bonding: BondingSettings): string {
  return encodeJson({ version: 1, bonding }, MAX_CONFIG_BYTES);
}

/** null for anything that is not one of version 1. */
export function parseBondingPush(message: Uint8Array): BondingSettings | null {
  return parseJson(message, MAX_CONFIG_BYTES, BondingPush)?.bonding ?? null;
}

/** @throws RangeError when it is larger than MAX_ATTACH_BYTES. */
export function encodeAttachInfo(info: AttachInfo): string {
  return encodeJson(info, MAX_ATTACH_BYTES);
}

/** null for anything that does not name a link. */
export function parseAttachInfo(message: Uint8Array): AttachInfo | null {
  return parseJson(message, MAX_ATTACH_BYTES, Attach);
}

/** What a concentrator with this configuration pushes to one of its clients. */
export function pushFor(config: z.infer<typeof ConcentratorSchema>, client: ConcentratorClientConfig): ConfigPush {
  const { mode, address, mtu, clientToClient } = config.concentrator;
  const others = clientToClient ? config.client.filter((other) => other.name !== client.name) : [];
  const isRouted = mode === "routed";
  return {
    version: 1,
    name: client.name,
    mode,
    addresses: isRouted ? client.address.map((prefix) => prefix.text) : [],
    routes: isRouted ? [...address, ...others.flatMap((other) => other.routes)].map(networkText) : [],
    lan: isRouted ? client.routes.map((prefix) => prefix.text) : [],
    mtu: mtu === "auto" ? null : mtu,
    bonding: client.bonding ?? config.bonding ?? null,
    concentratorAddresses: isRouted ? address.map((prefix) => prefix.address) : [],
  };
}

/**
 * The push of a client as it fits a datagram. Clients that join are not weighed against each other beforehand, so routes to
 * other clients' networks are left out from the end as far as need be.
 */
export function encodePushFor(
  config: z.infer<typeof ConcentratorSchema>,
  client: ConcentratorClientConfig,
): { readonly json: string; readonly omitted: readonly string[] } {
  const push = pushFor(config, client);
  const omitted: string[] = [];
  while (Buffer.byteLength(JSON.stringify(push)) > MAX_CONFIG_BYTES) {
    const last = push.routes.pop();
    if (last === undefined) break;
    omitted.unshift(last);
  }
  return { json: encodeConfigPush(push), omitted };
}

/** Pushes of a concentrator that would not fit one datagram. */
export function pushFaults(config: z.infer<typeof ConcentratorSchema>): RawFault[] {
  return config.client.flatMap((client, index) => sizeFaults(["client", index], pushFor(config, client)));
}

/** The same for a client's own settings. */
export function bondingPushFaults(bonding: BondingSettings | undefined): RawFault[] {
  return bonding === undefined ? [] : sizeFaults(["bonding"], { version: 1, bonding });
}

function sizeFaults(path: KeyPath, push: unknown): RawFault[] {
  const sizeBytes = Buffer.byteLength(JSON.stringify(push));
  if (sizeBytes <= MAX_CONFIG_BYTES) return [];
  const problem = `has ${sizeBytes} bytes of routes and settings to tell the other end, more than ${MAX_CONFIG_BYTES}`;
  return [{ path, problem, remedy: "Join routes into larger networks, or leave out policies that are not used." }];
}
