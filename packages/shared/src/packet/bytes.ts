/** Big-endian reads, as networks write. The caller has checked that the bytes are inside its packet. */
export function u8(pool: Uint8Array, at: number): number {
  return pool[at] ?? 0;
}

export function u16(pool: Uint8Array, at: number): number {
  return ((pool[at] ?? 0) << 8) | (pool[at + 1] ?? 0);
}

/** Signed, so that it stays a small integer for the engine. */
export function i32(pool: Uint8Array, at: number): number {
  return ((pool[at] ?? 0) << 24) | ((pool[at + 1] ?? 0) << 16) | ((pool[at + 2] ?? 0) << 8) | (pool[at + 3] ?? 0);
}
