import { ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "../packet/index.ts";

export const ETHERNET_BYTES = 14;

/** A MAC address as six bytes. */
export type MacAddress = Uint8Array;

/**
 * Makes up the Ethernet header that a routed bond does not carry: to our own TAP, from a fixed address of the far end.
 */
export class EthernetWriter {
  readonly #pool: DataView;
  /** Both addresses, as words. */
  readonly #first: number;
  readonly #second: number;
  readonly #third: number;

  /** @param own address of the TAP device. @param far any other unicast address; locally administered by convention. */
  constructor(pool: Uint8Array<ArrayBuffer>, own: MacAddress, far: MacAddress) {
    this.#pool = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
    const addresses = new Uint8Array(12);
    addresses.set(own.subarray(0, 6), 0);
    addresses.set(far.subarray(0, 6), 6);
    const words = new DataView(addresses.buffer);
    this.#first = words.getInt32(0);
    this.#second = words.getInt32(4);
    this.#third = words.getInt32(8);
  }

  /** Writes the header in front of the IP packet behind it. @returns false when that is no IP packet. */
  write(frame: number, packetBytes: number): boolean {
    const pool = this.#pool;
    const version = packetBytes < 20 ? 0 : pool.getUint8(frame + ETHERNET_BYTES) >> 4;
    if (version !== 4 && version !== 6) return false;
    pool.setInt32(frame, this.#first);
    pool.setInt32(frame + 4, this.#second);
    pool.setInt32(frame + 8, this.#third);
    pool.setUint16(frame + 12, version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    return true;
  }
}
