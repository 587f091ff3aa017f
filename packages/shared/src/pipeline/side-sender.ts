import type { Peer } from "../peer/index.ts";
import {
  type ControlWriter,
  type DatagramView,
  ENDPOINT_FAMILY,
  FIRST_SIDE_PATH,
  OUTER_HEADER_BYTES,
  SIDE_PATHS_END,
  TAG_BYTES,
  TYPE_CONTROL,
} from "../wire/index.ts";
import type { PacketPool } from "./packet-pool.ts";
import { AUX, DESCRIPTOR_WORDS, LENGTH, OFFSET, type PacketPorts, SLOT_BYTES, SLOT_HEADROOM } from "./ports.ts";

/** Datagrams of one call. */
export const SIDE_BATCH = 64;
const ROOM_BYTES = SLOT_BYTES - SLOT_HEADROOM - OUTER_HEADER_BYTES - TAG_BYTES;
const UDP_IPV4_BYTES = 28;
const UDP_IPV6_BYTES = 48;

/** Where a datagram goes that belongs to no path of the bond. */
export interface SideTarget {
  readonly socket: number;
  /** A record. */
  readonly endpoint: Int32Array;
  /** FIRST_SIDE_PATH and up: the asker's number of the line. */
  readonly sidePath: number;
}

/** Bytes of an IP packet to this target that are not control messages. */
export function sideOverheadBytes(endpoint: Int32Array, index = 0): number {
  const family = endpoint[index * 12 + ENDPOINT_FAMILY];
  return (family === 6 ? UDP_IPV6_BYTES : UDP_IPV4_BYTES) + OUTER_HEADER_BYTES + TAG_BYTES;
}

/**
 * Sends control datagrams of a session from sockets that are no path's. They neither move a path nor count in its
 * figures; counters are kept by side path, so that no nonce comes twice.
 */
export class SideSender {
  readonly #ports: PacketPorts;
  readonly #pool: PacketPool;
  readonly #datagrams: DatagramView;
  readonly #writer: ControlWriter;
  readonly #counters = new WeakMap<Peer, Float64Array>();
  readonly #plain = new Int32Array(SIDE_BATCH * DESCRIPTOR_WORDS);
  readonly #sealed = new Int32Array(SIDE_BATCH * DESCRIPTOR_WORDS);
  readonly #selection = Int32Array.from({ length: SIDE_BATCH }, (_, index) => index);
  readonly #slots: number[] = [];

  constructor(ports: PacketPorts, pool: PacketPool, datagrams: DatagramView, writer: ControlWriter) {
    this.#ports = ports;
    this.#pool = pool;
    this.#datagrams = datagrams;
    this.#writer = writer;
  }

  /**
   * @param count up to SIDE_BATCH datagrams. @param write puts messages into the i-th.
   * @returns how many the kernel took, or a negative errno; 0 without keys.
   */
  send(peer: Peer, target: SideTarget, count: number, write: (writer: ControlWriter, index: number) => void): number {
    const epoch = peer.sending;
    if (epoch === undefined || this.#pool.freeCount < 2 * count) return 0;
    const counters = this.#countersOf(peer);
    const place = target.sidePath - FIRST_SIDE_PATH;
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      const plain = this.#borrow();
      this.#writer.begin(plain, ROOM_BYTES);
      write(this.#writer, i);
      this.#plain[at + OFFSET] = plain;
      this.#plain[at + LENGTH] = this.#writer.lengthBytes;
      this.#plain[at + AUX] = epoch.keyIndex;
      const sealed = this.#borrow();
      const counter = counters[place] ?? 0;
      counters[place] = counter + 1;
      this.#datagrams.writeOuter(sealed, TYPE_CONTROL, target.sidePath, epoch.remoteIndex, counter);
      this.#sealed[at + OFFSET] = sealed;
    }
    this.#ports.seal(this.#plain, this.#sealed, count);
    const sent = this.#ports.udpWrite(target.socket, target.endpoint, 0, this.#sealed, this.#selection, count);
    for (const slot of this.#slots) this.#pool.give(slot);
    this.#slots.length = 0;
    return sent;
  }

  #borrow(): number {
    const slot = this.#pool.take();
    this.#slots.push(slot);
    return this.#pool.frameOffset(slot);
  }

  #countersOf(peer: Peer): Float64Array {
    const known = this.#counters.get(peer);
    if (known !== undefined) return known;
    const counters = new Float64Array(SIDE_PATHS_END - FIRST_SIDE_PATH);
    this.#counters.set(peer, counters);
    return counters;
  }
}
