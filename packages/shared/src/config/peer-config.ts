import * as z from "zod";
import { parseIpAddress } from "../packet/index.ts";
import { MAX_INNER_MTU, MIN_INNER_MTU } from "../wire/index.ts";
import type { ConcentratorClientConfig, ConcentratorSchema } from "./concentrator-config.ts";
import type { RawFault } from "./fault.ts";
import { networkText, parsePrefix } from "./ip-prefix.ts";

/** Bytes of JSON a CONFIG message may carry; with all headers it fits an outer MTU of 1280. */
export const MAX_PUSH_BYTES = 1200;
/** Bytes of JSON an ATTACH message may carry. */
export const MAX_ATTACH_BYTES = 512;

const prefixText = z.string().refine((text) => parsePrefix(text) !== null);
const addressText = z.string().refine((text) => parseIpAddress(text) !== null);

/**
 * What the concentrator tells a client after the handshake. Unknown keys are dropped, so that versions can differ.
 *
 * `bonding` is left as it came: the client runs it through the same schema as its own file.
 */
const Push = z.object({
  version: z.literal(1),
  name: z.string().min(1).max(32),
  mode: z.enum(["routed", "bridged"]),
  /** For the client's TAP, with prefix length. */
  addresses: z.array(prefixText),
  /** Networks that lie behind the concentrator, beside the default route. */
  routes: z.array(prefixText),
  /** null: it follows the members. */
  mtu: z.number().int().min(MIN_INNER_MTU).max(MAX_INNER_MTU).nullable(),
  bonding: z.record(z.string(), z.unknown()).nullable(),
  /** The concentrator's own addresses inside the tunnel, without prefix length. */
  concentratorAddresses: z.array(addressText),
});
export type ConfigPush = z.infer<typeof Push>;

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

/** @throws RangeError when it is larger than MAX_PUSH_BYTES, which a checked configuration never is. */
export function encodeConfigPush(push: ConfigPush): Uint8Array {
  return encodeJson(push, MAX_PUSH_BYTES);
}

/** null for anything that is not a push of version 1. */
export function parseConfigPush(bytes: Uint8Array): ConfigPush | null {
  return parseJson(bytes, MAX_PUSH_BYTES, Push);
}

/** @throws RangeError when it is larger than MAX_ATTACH_BYTES. */
export function encodeAttachInfo(info: AttachInfo): Uint8Array {
  return encodeJson(info, MAX_ATTACH_BYTES);
}

export function parseAttachInfo(bytes: Uint8Array): AttachInfo | null {
  return parseJson(bytes, MAX_ATTACH_BYTES, Attach);
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
    mtu: mtu === "auto" ? null : mtu,
    bonding: client.bonding ?? config.bonding ?? null,
    concentratorAddresses: isRouted ? address.map((prefix) => prefix.address) : [],
  };
}

/** Pushes that would not fit one datagram. */
export function pushFaults(config: z.infer<typeof ConcentratorSchema>): RawFault[] {
  return config.client.flatMap((client, index) => {
    const sizeBytes = Buffer.byteLength(JSON.stringify(pushFor(config, client)));
    if (sizeBytes <= MAX_PUSH_BYTES) return [];
    const problem = `has ${sizeBytes} bytes of routes and settings to push, more than ${MAX_PUSH_BYTES}`;
    return [{ path: ["client", index], problem, remedy: "Join routes into larger networks, or shorten [bonding]." }];
  });
}

function encodeJson(value: unknown, limit: number): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length > limit) throw new RangeError(`message of ${bytes.length} bytes, at most ${limit} fit`);
  return bytes;
}

/** Bytes from an authentic peer, which may still be of another version or faulty: never throws. */
function parseJson<Schema extends z.ZodType>(bytes: Uint8Array, limit: number, schema: Schema): z.infer<Schema> | null {
  if (bytes.length > limit) return null;
  try {
    const result = schema.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    return result.success ? result.data : null;
  } catch {
    return null; // Not UTF-8 or not JSON: the caller counts it.
  }
}
