import { TYPE_COOKIE_REPLY, TYPE_INITIATION, TYPE_RESPONSE } from "./limits.ts";

/**
 * Handshake datagrams. All begin with type u8 and three zero bytes, all have one size, each reply is smaller than what it
 * answers. Only the inside of the Noise messages is secret; mac1 and mac2 stand at the end and cover all before them.
 *
 * initiation 160:   type, 0 0 0 | sender u32 | Noise message 1: e 32, s 48, payload 24 + 16 | mac1 16 | mac2 16
 * response 84:      type, 0 0 0 | sender u32 | receiver u32 | Noise message 2: e 32, payload 8 + 16 | mac1 16
 * cookie reply 64:  type, 0 0 0 | receiver u32 | nonce 24 | sealed cookie 32
 */
export const INITIATION_BYTES = 160;
export const INITIATION_MAC1_AT = 128;
export const INITIATION_MAC2_AT = 144;
export const RESPONSE_BYTES = 84;
export const RESPONSE_MAC1_AT = 68;
export const COOKIE_REPLY_BYTES = 64;

const INDEX_AT = 4;
const INITIATION_NOISE_AT = 8;
const RECEIVER_AT = 8;
const RESPONSE_NOISE_AT = 12;
const COOKIE_NONCE_AT = 8;
const COOKIE_SEALED_AT = 32;

const INITIATION_PAYLOAD_BYTES = 24;
const RESPONSE_PAYLOAD_BYTES = 8;
export const TIMESTAMP_BYTES = 12;
const INITIATION_RUN_AT = 16;
const RESPONSE_RUN_AT = 4;
const CAPABILITY_AES = 0x01;
const WISH_NO_ENCRYPTION = 0x01;

/** What an initiator says of itself, sealed to the responder. */
export interface InitiationPayload {
  /** TAI64N, 12 bytes. */
  readonly timestamp: Uint8Array;
  /** The highest protocol version it speaks. */
  readonly version: number;
  /** Its processor has AES instructions. */
  readonly hasAes: boolean;
  /** It is configured for `encryption: none`. */
  readonly wantsNoEncryption: boolean;
  /** u32 drawn at each start of the program: another one says that it has forgotten its numbering and its paths. */
  readonly runId: number;
}

/** What the responder decides. */
export interface ResponsePayload {
  readonly version: number;
  /** One of the CIPHER_ constants; unchecked after decoding. */
  readonly cipher: number;
  /** As the initiator's. */
  readonly runId: number;
}

export interface Initiation {
  readonly sender: number;
  readonly noise: Uint8Array;
}

export interface Response {
  readonly sender: number;
  readonly receiver: number;
  readonly noise: Uint8Array;
}

export interface CookieReply {
  readonly receiver: number;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

/** @returns a datagram of its own whose macs are still zero. */
export function encodeInitiation(frame: Initiation): Uint8Array {
  const bytes = newDatagram(INITIATION_BYTES, TYPE_INITIATION, frame.sender);
  bytes.set(frame.noise, INITIATION_NOISE_AT);
  return bytes;
}

/** Byte arrays of decoded frames are views of the datagram. @returns null when type or size are wrong. */
export function decodeInitiation(datagram: Uint8Array): Initiation | null {
  if (!isFrame(datagram, TYPE_INITIATION, INITIATION_BYTES)) return null;
  return { sender: readU32(datagram, INDEX_AT), noise: datagram.subarray(INITIATION_NOISE_AT, INITIATION_MAC1_AT) };
}

/** @returns a datagram of its own whose mac is still zero. */
export function encodeResponse(frame: Response): Uint8Array {
  const bytes = newDatagram(RESPONSE_BYTES, TYPE_RESPONSE, frame.sender);
  writeU32(bytes, RECEIVER_AT, frame.receiver);
  bytes.set(frame.noise, RESPONSE_NOISE_AT);
  return bytes;
}

export function decodeResponse(datagram: Uint8Array): Response | null {
  if (!isFrame(datagram, TYPE_RESPONSE, RESPONSE_BYTES)) return null;
  return {
    sender: readU32(datagram, INDEX_AT),
    receiver: readU32(datagram, RECEIVER_AT),
    noise: datagram.subarray(RESPONSE_NOISE_AT, RESPONSE_MAC1_AT),
  };
}

export function encodeCookieReply(frame: CookieReply): Uint8Array {
  const bytes = newDatagram(COOKIE_REPLY_BYTES, TYPE_COOKIE_REPLY, frame.receiver);
  bytes.set(frame.nonce, COOKIE_NONCE_AT);
  bytes.set(frame.sealed, COOKIE_SEALED_AT);
  return bytes;
}

export function decodeCookieReply(datagram: Uint8Array): CookieReply | null {
  if (!isFrame(datagram, TYPE_COOKIE_REPLY, COOKIE_REPLY_BYTES)) return null;
  return {
    receiver: readU32(datagram, INDEX_AT),
    nonce: datagram.subarray(COOKIE_NONCE_AT, COOKIE_SEALED_AT),
    sealed: datagram.subarray(COOKIE_SEALED_AT),
  };
}

/** timestamp 12 | version u8 | capabilities u8 | wishes u8 | 0 | run u32 | 4 zero bytes, kept for later versions. */
export function encodeInitiationPayload(payload: InitiationPayload): Uint8Array {
  const bytes = new Uint8Array(INITIATION_PAYLOAD_BYTES);
  bytes.set(payload.timestamp);
  bytes[12] = payload.version;
  bytes[13] = payload.hasAes ? CAPABILITY_AES : 0;
  bytes[14] = payload.wantsNoEncryption ? WISH_NO_ENCRYPTION : 0;
  writeU32(bytes, INITIATION_RUN_AT, payload.runId);
  return bytes;
}

export function decodeInitiationPayload(bytes: Uint8Array): InitiationPayload | null {
  if (bytes.byteLength !== INITIATION_PAYLOAD_BYTES) return null;
  const [version = 0, capabilities = 0, wishes = 0] = bytes.subarray(TIMESTAMP_BYTES);
  return {
    timestamp: bytes.slice(0, TIMESTAMP_BYTES),
    version,
    hasAes: (capabilities & CAPABILITY_AES) !== 0,
    wantsNoEncryption: (wishes & WISH_NO_ENCRYPTION) !== 0,
    runId: readU32(bytes, INITIATION_RUN_AT),
  };
}

/** version u8 | cipher u8 | 2 zero bytes, kept for later versions | run u32. */
export function encodeResponsePayload(payload: ResponsePayload): Uint8Array {
  const bytes = Uint8Array.of(payload.version, payload.cipher, 0, 0, 0, 0, 0, 0);
  writeU32(bytes, RESPONSE_RUN_AT, payload.runId);
  return bytes;
}

export function decodeResponsePayload(bytes: Uint8Array): ResponsePayload | null {
  const [version, cipher] = bytes;
  if (bytes.byteLength !== RESPONSE_PAYLOAD_BYTES || version === undefined || cipher === undefined) return null;
  return { version, cipher, runId: readU32(bytes, RESPONSE_RUN_AT) };
}

function newDatagram(sizeBytes: number, type: number, index: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  bytes[0] = type;
  writeU32(bytes, INDEX_AT, index);
  return bytes;
}

function isFrame(datagram: Uint8Array, type: number, sizeBytes: number): boolean {
  if (datagram.byteLength !== sizeBytes) return false;
  return datagram[0] === type && datagram[1] === 0 && datagram[2] === 0 && datagram[3] === 0;
}

function readU32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);
}
