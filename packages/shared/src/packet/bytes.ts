/** Big-endian reads, as networks write. The caller has checked that the bytes are inside its packet. */
export function u8(pool: Uint8Array, at: number): number {
  return pool[at] ?? 0;
}

export function u16(pool: Uint8Array, at: number): number {
  return (u8(pool, at) << 8) | u8(pool, at + 1);
}

/** Signed, so that it stays a small integer for the engine. */
export function i32(pool: Uint8Array, at: number): number {
  return (u8(pool, at) << 24) | (u8(pool, at + 1) << 16) | (u8(pool, at + 2) << 8) | u8(pool, at + 3);
}
