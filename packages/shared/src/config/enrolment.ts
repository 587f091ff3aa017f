import * as z from "zod";
import { MAX_CONFIG_BYTES } from "../wire/index.ts";
import { parseEndpoint } from "./endpoint.ts";
import { isNetwork, parsePrefix } from "./ip-prefix.ts";
import { decodePublicKey } from "./key-file.ts";
import { encodeJson, parseJson } from "./peer-json.ts";

/** Networks behind a client that joins by itself; more are written by hand. */
export const MAX_ENROLLED_NETWORKS = 16;
/** Networks of its host that a client tells of. */
export const MAX_TOLD_NETWORKS = 32;

const prefixText = z
  .string()
  .max(43)
  .refine((text) => parsePrefix(text) !== null);
const networkText = z
  .string()
  .max(43)
  .refine((text) => {
    const prefix = parsePrefix(text);
    return prefix !== null && isNetwork(prefix);
  });

/** What the holder of an invite asks for. Unknown keys are dropped, so that versions can differ. */
const Request = z.object({
  version: z.literal(1),
  /** Its own, base64; the private key never leaves its host. */
  publicKey: z
    .string()
    .max(44)
    .refine((text) => decodePublicKey(text) !== null),
  /** Networks behind it, found or given. */
  lan: z.array(networkText).max(MAX_ENROLLED_NETWORKS),
  /** The operator named them; found ones give way to what the invite says. */
  lanGiven: z.boolean(),
  /** Networks of its host, which the tunnel must not cover. */
  inUse: z.array(prefixText).max(MAX_TOLD_NETWORKS),
});
export type EnrolRequest = z.infer<typeof Request>;

const Reply = z.discriminatedUnion("ok", [
  z.object({
    version: z.literal(1),
    ok: z.literal(true),
    name: z.string().regex(/^[A-Za-z0-9._-]{1,32}$/),
    mode: z.enum(["routed", "bridged"]),
    /** Inside the tunnel; told again in every session. */
    addresses: z.array(prefixText).max(8),
    /** Networks that the concentrator routes to this client. */
    lan: z.array(networkText).max(MAX_ENROLLED_NETWORKS),
    /** Where the concentrator is to be reached from now on. */
    endpoints: z
      .array(z.string().refine((text) => parseEndpoint(text) !== null))
      .min(1)
      .max(30),
  }),
  z.object({
    version: z.literal(1),
    ok: z.literal(false),
    /** One word, as in `used`. */
    reason: z.string().max(32),
    /** A sentence for the operator of the client. */
    problem: z.string().max(600),
  }),
]);
export type EnrolReply = z.infer<typeof Reply>;

/** @throws RangeError when it is larger than a datagram takes, which one within the limits above is not. */
export function encodeEnrolRequest(request: EnrolRequest): string {
  return encodeJson(request, MAX_CONFIG_BYTES);
}

/** null for anything that is not a request of version 1. */
export function parseEnrolRequest(json: string): EnrolRequest | null {
  return parseJson(Buffer.from(json), MAX_CONFIG_BYTES, Request);
}

/** @throws RangeError as encodeEnrolRequest */
export function encodeEnrolReply(reply: EnrolReply): string {
  return encodeJson(reply, MAX_CONFIG_BYTES);
}

/** null for anything that is not a reply of version 1. */
export function parseEnrolReply(json: string): EnrolReply | null {
  return parseJson(Buffer.from(json), MAX_CONFIG_BYTES, Reply);
}
