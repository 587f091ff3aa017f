import { isAbsolute } from "node:path";
import * as z from "zod";
import { parseIpAddress } from "../packet/index.ts";
import { MAX_INNER_MTU, MIN_INNER_MTU } from "../wire/index.ts";
import { parseEndpoint } from "./endpoint.ts";
import { isNetwork, networkText, parsePrefix } from "./ip-prefix.ts";
import { decodePublicKey } from "./key-file.ts";

/** IFNAMSIZ - 1 of the kernel. */
const MAX_DEVICE_NAME = 15;

/**
 * A key of the file: one function reads and checks its value, one sentence says how to mend it.
 *
 * @param read gives undefined for a value that is not acceptable.
 * @param expected completes "is VALUE, which is not ...".
 */
function field<T>(read: (value: unknown) => T | undefined, expected: string, remedy: string, show = showValue) {
  return z.unknown().transform((value, context) => {
    const result = read(value);
    if (result !== undefined) return result;
    const message = value === undefined ? "is missing" : `is ${show(value)}, which is not ${expected}`;
    context.addIssue({ code: "custom", message, params: { remedy } });
    return z.NEVER;
  });
}

/** A field whose value is written as a string. */
function textField<T>(read: (text: string) => T | undefined, expected: string, remedy: string, show = showValue) {
  return field((value) => (typeof value === "string" ? read(value) : undefined), expected, remedy, show);
}

export const flag = field(
  (value) => (typeof value === "boolean" ? value : undefined),
  "true or false",
  "Write true or false, without quotes.",
);

/** One word of a few. */
export function oneOf<const T extends string>(...words: readonly T[]) {
  const list = words.map((word) => `"${word}"`).join(" or ");
  return textField((text) => words.find((word) => word === text), list, `Write one of ${list}.`);
}

export const deviceName = textField(
  (text) => (text.length <= MAX_DEVICE_NAME && /^[^\s/:%]+$/.test(text) && !/^\.\.?$/.test(text) ? text : undefined),
  "a name of a network device",
  `Device names have 1 to ${MAX_DEVICE_NAME} characters without spaces, "/", ":" and "%"; "ip link" lists those that exist.`,
);

export const memberName = textField(
  (text) => (/^[A-Za-z0-9._-]{1,32}$/.test(text) ? text : undefined),
  "a name",
  'Use 1 to 32 letters, digits, ".", "_" and "-".',
);

export const ipAddress = textField(
  (text) => (parseIpAddress(text) === null ? undefined : text),
  "an IP address",
  'Write one address without a prefix length, as "192.168.101.254" or "2001:db8::2".',
);

export const interfaceAddress = textField(
  (text) => parsePrefix(text) ?? undefined,
  "an address with a prefix length",
  'Write it as "10.200.0.1/24" or "fd00:200::1/64".',
);

export const network = field(
  (value) => {
    const prefix = typeof value === "string" ? parsePrefix(value) : null;
    return prefix !== null && isNetwork(prefix) ? prefix : undefined;
  },
  "a network",
  'Write the network\'s own address, as "192.168.50.0/24" or "fd00:50::/64".',
  (value) => {
    const prefix = typeof value === "string" ? parsePrefix(value) : null;
    return prefix === null ? showValue(value) : `${showValue(value)} (an address of ${networkText(prefix)})`;
  },
);

export const endpoint = textField(
  (text) => parseEndpoint(text) ?? undefined,
  "an endpoint",
  'Write "HOST:PORT" with an address or a DNS name, an IPv6 address in brackets: "203.0.113.10:51900", "[2001:db8::1]:51900".',
);

export const listenAddress = textField(
  (text) => {
    const parsed = parseEndpoint(text);
    return parsed === null || parsed.family === null ? undefined : parsed;
  },
  "an address and port",
  'Write "ADDRESS:PORT", as "0.0.0.0:51900" or "[::]:51900".',
);

/** An endpoint that needs no resolver. */
export const addressEndpoint = textField(
  (text) => {
    const parsed = parseEndpoint(text);
    return parsed === null || parsed.family === null ? undefined : parsed;
  },
  "an address and port",
  'Write "ADDRESS:PORT", as "1.1.1.1:53" or "[2606:4700:4700::1111]:53".',
);

/** A time. */
export function milliseconds(min: number, max: number) {
  return field(
    (value) =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined,
    "a time in milliseconds",
    `Write a whole number from ${min} to ${max}.`,
  );
}

/** The value is never shown: it could be a private key that was pasted into the wrong line. */
export const publicKey = textField(
  (text) => decodePublicKey(text) ?? undefined,
  "a public key",
  'Write what "wanbond pubkey" printed at the other end: 44 characters of base64 that end in "=".',
  (value) => (typeof value === "string" ? `a text of ${value.length} characters` : showValue(value)),
);

export const filePath = textField(
  (text) => (text.length > 0 && !text.includes("\0") ? text : undefined),
  "a file name",
  "Write a path in quotes; a relative one counts from the folder of this file.",
);

export const absolutePath = textField(
  (text) => (isAbsolute(text) && !text.includes("\0") ? text : undefined),
  "an absolute path",
  'Write a path that starts with "/".',
);

export const mtu = field(
  (value) => {
    if (value === "auto") return "auto" as const;
    if (typeof value !== "number" || !Number.isInteger(value)) return undefined;
    return value >= MIN_INNER_MTU && value <= MAX_INNER_MTU ? value : undefined;
  },
  "an MTU",
  `Write "auto" or a number of bytes from ${MIN_INNER_MTU} to ${MAX_INNER_MTU}.`,
);

export const logLevel = oneOf("debug", "info", "warn", "error").default("info");

/** How a value is quoted in a message. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
