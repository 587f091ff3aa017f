import {
  INVITE_CHECK_BYTES,
  INVITE_SECRET_BYTES,
  type InviteKeys,
  inviteCheck,
  inviteKeys,
  KEY_BYTES,
} from "../crypto/index.ts";
import { EX_DATAERR, WanbondError } from "../errors.ts";
import { formatIpAddress, parseIpAddress } from "../packet/index.ts";
import { MAX_PATHS } from "../wire/index.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";

/** Begins every invite of this version; a later one counts up. */
const MARK = "wb1:";
const LENGTH_BYTES = 2;
const EXPIRY_BYTES = 5;
/** Kind of an endpoint that is a DNS name; the others are 4 and 6. */
const NAMED = 0;

/** All that a client needs to become one, as docs/wire-format.md lays it out. Whoever reads it can use it. */
export interface Invite {
  /** What the client will be called. */
  readonly name: string;
  /** INVITE_SECRET_BYTES. */
  readonly secret: Uint8Array;
  readonly concentratorKey: Uint8Array;
  readonly endpoints: readonly Endpoint[];
  /** Seconds since 1970. The concentrator's clock decides. */
  readonly expiresS: number;
}

/** The identity that an invite lends for the time of enrolment. */
export function keysOfInvite(invite: Invite): InviteKeys {
  return inviteKeys(invite.secret);
}

/** One line without spaces. */
export function encodeInvite(invite: Invite): string {
  const body = Buffer.concat([
    number(invite.expiresS, EXPIRY_BYTES),
    invite.secret,
    invite.concentratorKey,
    sized(Buffer.from(invite.name)),
    number(invite.endpoints.length, 1),
    ...invite.endpoints.map(endpointBytes),
  ]);
  const head = number(LENGTH_BYTES + body.byteLength + INVITE_CHECK_BYTES, LENGTH_BYTES);
  const checked = Buffer.concat([head, body]);
  return MARK + Buffer.concat([checked, inviteCheck(checked)]).toString("base64url");
}

/** Reads what was pasted; spaces and line ends that came in between are left out. @throws WanbondError */
export function decodeInvite(pasted: string): Invite {
  const text = pasted.replaceAll(/[\s'"]/g, "");
  const bytes = bytesOf(text);
  const length = bytes.byteLength < LENGTH_BYTES ? Number.POSITIVE_INFINITY : bytes.readUIntBE(0, LENGTH_BYTES);
  if (bytes.byteLength < length) throw truncated(text, length);
  const checked = bytes.subarray(0, length - INVITE_CHECK_BYTES);
  const isWhole = bytes.byteLength === length && bytes.subarray(checked.byteLength).equals(inviteCheck(checked));
  const invite = isWhole ? readBody(checked.subarray(LENGTH_BYTES)) : null;
  if (invite === null) throw altered("");
  return invite;
}

function bytesOf(text: string): Buffer {
  if (!text.startsWith(MARK)) throw foreign(text);
  const code = text.slice(MARK.length);
  const strange = /[^A-Za-z0-9_-]/.exec(code)?.[0];
  if (strange !== undefined) throw altered(` It holds ${JSON.stringify(strange)}, which no invite does.`);
  return Buffer.from(code, "base64url");
}

function foreign(text: string): WanbondError {
  const isLater = /^wb[0-9]+:/.test(text);
  const sentence = isLater
    ? "This invite is of a later version of wanbond. Use the same version on both sides."
    : `This is no invite of wanbond: invites begin with "${MARK}". Make one on the concentrator: wanbond concentrator invite NAME`;
  return new WanbondError(isLater ? "WB_INVITE_VERSION" : "WB_INVITE_FOREIGN", EX_DATAERR, sentence);
}

function truncated(text: string, lengthBytes: number): WanbondError {
  const whole = Number.isFinite(lengthBytes) ? ` of ${MARK.length + Math.ceil((lengthBytes * 4) / 3)}` : "";
  const sentence = `This invite is cut off: ${text.length}${whole} characters are there. Copy the whole line again.`;
  return new WanbondError("WB_INVITE_TRUNCATED", EX_DATAERR, sentence);
}

function altered(detail: string): WanbondError {
  const sentence = `This invite was altered on its way.${detail} Copy the whole line again, in quotes.`;
  return new WanbondError("WB_INVITE_ALTERED", EX_DATAERR, sentence);
}

/** null for what no program writes, although its check fits. */
function readBody(body: Buffer): Invite | null {
  const reader = new BodyReader(body);
  const expiresS = reader.number(EXPIRY_BYTES);
  const secret = reader.bytes(INVITE_SECRET_BYTES);
  const concentratorKey = reader.bytes(KEY_BYTES);
  const name = reader.bytes(reader.number(1)).toString();
  const count = reader.number(1);
  if (count < 1 || count > MAX_PATHS || !/^[A-Za-z0-9._-]{1,32}$/.test(name)) return null;
  const endpoints = Array.from({ length: count }, () => readEndpoint(reader));
  const good = endpoints.filter((endpoint) => endpoint !== null);
  if (reader.isBroken || good.length < count) return null;
  return { name, secret, concentratorKey, endpoints: good, expiresS };
}

function readEndpoint(reader: BodyReader): Endpoint | null {
  const kind = reader.number(1);
  if (kind !== 4 && kind !== 6 && kind !== NAMED) return null;
  const bytes = reader.bytes(kind === NAMED ? reader.number(1) : kind === 4 ? 4 : 16);
  const port = reader.number(2);
  if (reader.isBroken) return null;
  const host = kind === NAMED ? bytes.toString() : formatIpAddress(bytes, 0, kind);
  return parseEndpoint(formatEndpoint({ host, port, family: kind === NAMED ? null : kind }));
}

function endpointBytes({ host, port, family }: Endpoint): Uint8Array {
  const address = family === null ? sized(Buffer.from(host)) : (parseIpAddress(host) ?? new Uint8Array(0));
  return Buffer.concat([number(family ?? NAMED, 1), address, number(port, 2)]);
}

function sized(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([number(bytes.byteLength, 1), bytes]);
}

function number(value: number, sizeBytes: number): Uint8Array {
  const bytes = Buffer.alloc(sizeBytes);
  bytes.writeUIntBE(value, 0, sizeBytes);
  return bytes;
}

/** Reads one field after the other; behind the end there are zeros, and `isBroken` says so. */
class BodyReader {
  readonly #body: Buffer;
  #at = 0;
  isBroken = false;

  constructor(body: Buffer) {
    this.#body = body;
  }

  bytes(sizeBytes: number): Buffer {
    const part = Buffer.alloc(sizeBytes);
    if (this.#at + sizeBytes > this.#body.byteLength) this.isBroken = true;
    else this.#body.copy(part, 0, this.#at, this.#at + sizeBytes);
    this.#at += sizeBytes;
    return part;
  }

  number(sizeBytes: number): number {
    return this.bytes(sizeBytes).readUIntBE(0, sizeBytes);
  }
}
