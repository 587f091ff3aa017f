export const ETHERNET_BYTES = 14;

/** A MAC address as six bytes. */
export type MacAddress = Uint8Array;

/**
 * Makes up the Ethernet header that a routed bond does not carry: to our own TAP, from a fixed address of the far end.
 */
export class EthernetWriter {
  readonly #pool: Uint8Array<ArrayBuffer>;
  readonly #addresses = new Uint8Array(12);

  /** @param own address of the TAP device. @param far any other unicast address; locally administered by convention. */
  constructor(pool: Uint8Array<ArrayBuffer>, own: MacAddress, far: MacAddress) {
    this.#pool = pool;
    this.#addresses.set(own.subarray(0, 6), 0);
    this.#addresses.set(far.subarray(0, 6), 6);
  }

  /** Writes the header in front of the IP packet behind it. @returns false when that is no IP packet. */
  write(frame: number, packetBytes: number): boolean {
    const pool = this.#pool;
    const version = packetBytes < 20 ? 0 : (pool[frame + ETHERNET_BYTES] ?? 0) >> 4;
    if (version !== 4 && version !== 6) return false;
    for (let i = 0; i < 12; i++) pool[frame + i] = this.#addresses[i] ?? 0;
    pool[frame + 12] = version === 4 ? 0x08 : 0x86;
    pool[frame + 13] = version === 4 ? 0x00 : 0xdd;
    return true;
  }
}
