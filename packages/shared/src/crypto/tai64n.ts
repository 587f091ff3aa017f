/** Seconds of TAI64 at the start of 1970, with the 10 leap seconds of then; later ones are left out, as WireGuard does. */
const EPOCH_SECONDS = 0x400000000000000an;
const TAI64N_BYTES = 12;

/**
 * A TAI64N label: u64 seconds, u32 nanoseconds, big-endian, so that labels order as bytes do.
 * Source: D. J. Bernstein, "TAI64, TAI64N, and TAI64NA".
 * @param wallMs milliseconds of the wall clock since 1970.
 */
export function tai64n(wallMs: number): Uint8Array {
  const seconds = Math.floor(wallMs / 1000);
  const bytes = new Uint8Array(TAI64N_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, EPOCH_SECONDS + BigInt(seconds));
  view.setUint32(8, Math.floor((wallMs - seconds * 1000) * 1e6));
  return bytes;
}

/** Whether label a is later than label b. */
export function isLater(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) > 0;
}
