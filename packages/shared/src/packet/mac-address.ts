import { i32, u8, u16 } from "./bytes.ts";

export const MAC_BYTES = 6;

/** Whether the address at offset is a group address (IEEE 802, bit 0 of the first byte); broadcast is one too. */
export function isGroupMac(pool: Uint8Array, offset: number): boolean {
  return (u8(pool, offset) & 1) !== 0;
}

/** First two bytes of the address at offset, 0..65535. */
export function macHi(pool: Uint8Array, offset: number): number {
  return u16(pool, offset);
}

/** Last four bytes of the address at offset, as a signed 32-bit integer. */
export function macLo(pool: Uint8Array, offset: number): number {
  return i32(pool, offset + 2);
}

/** The address at offset as one number below 2^48, a key without a string or bigint. */
export function macNumber(pool: Uint8Array, offset: number): number {
  return macHi(pool, offset) * 0x100000000 + (macLo(pool, offset) >>> 0);
}
