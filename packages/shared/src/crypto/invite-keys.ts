import { hash } from "./blake2s.ts";
import { generatePrivateKey } from "./keys.ts";

/** Enough against guessing, and few enough for a line of text. */
export const INVITE_SECRET_BYTES = 16;
/** Of the check behind an invite: tells what was altered on its way, by accident. */
export const INVITE_CHECK_BYTES = 8;

/** What follows from an invite's secret: who holds the secret can show it, and the concentrator needs not keep it. */
export interface InviteKeys {
  readonly privateKey: Uint8Array;
  readonly presharedKey: Uint8Array;
}

/** @param secret INVITE_SECRET_BYTES random bytes, of one invite only. */
export function inviteKeys(secret: Uint8Array): InviteKeys {
  return {
    privateKey: generatePrivateKey(() => hash(Buffer.from("wanbond invite identity"), secret)),
    presharedKey: Uint8Array.from(hash(Buffer.from("wanbond invite psk"), secret)),
  };
}

/** @param bytes all of the invite before its check. */
export function inviteCheck(bytes: Uint8Array): Uint8Array {
  return hash(Buffer.from("wanbond invite check"), bytes).slice(0, INVITE_CHECK_BYTES);
}
