import {
  AUX,
  DESCRIPTOR_WORDS,
  LENGTH,
  OFFSET,
  type PacketPorts,
  POOL_BYTES,
  UDP_RECEIVE_MESSAGES,
} from "../../packages/shared/src/pipeline/index.ts";
import { ENDPOINT_WORDS, OUTER_HEADER_BYTES, sameEndpoint, TAG_BYTES } from "../../packages/shared/src/wire/index.ts";

/** A UDP payload on its way, with the address it comes from or goes to. */
export interface SimDatagram {
  readonly bytes: Uint8Array;
  readonly endpoint: Int32Array;
}

/** What a simulated host has for a UDP socket. */
export interface SimSocket {
  /** Received and not read yet. */
  readonly inbox: SimDatagram[];
  /** @returns 1, 0 when the socket is full, or a negative errno. */
  send(datagram: SimDatagram): number;
}

/** A key as the checksum needs it. */
type SimKey = readonly [a: number, b: number];

/**
 * Ports of a host that exists in virtual time only. TAP and sockets are queues; sealing is a copy and a keyed checksum over
 * header and payload: whatever does not come from the holder of the key, as it is, under its header, is refused.
 */
export class SimPorts implements PacketPorts {
  readonly pool = new Uint8Array(POOL_BYTES);
  /** Frames the TAP has for us. */
  readonly tapInbox: Uint8Array[] = [];
  readonly sockets = new Map<number, SimSocket>();
  readonly #clock: { readonly nowMs: number };
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #view = new DataView(this.pool.buffer);
  readonly #sealKeys: (SimKey | undefined)[] = [];
  readonly #openKeys: (SimKey | undefined)[] = [];

  /** @param onFrame gets frames written to the TAP; they are its only until it returns. */
  constructor(clock: { readonly nowMs: number }, onFrame: (frame: Uint8Array) => void) {
    this.#clock = clock;
    this.#onFrame = onFrame;
  }

  /** Keys that are set, in both directions. */
  get keyCount(): number {
    return [...this.#sealKeys, ...this.#openKeys].filter((key) => key !== undefined).length;
  }

  nowMs(): number {
    return this.#clock.nowMs;
  }

  tapRead(_tap: number, descriptors: Int32Array, max: number): number {
    const frames = this.tapInbox.splice(0, max);
    frames.forEach((frame, i) => {
      this.pool.set(frame, descriptors[i * DESCRIPTOR_WORDS + OFFSET]);
      descriptors[i * DESCRIPTOR_WORDS + LENGTH] = frame.length;
    });
    return frames.length;
  }

  tapWrite(_tap: number, descriptors: Int32Array, selection: Int32Array, count: number): number {
    for (let i = 0; i < count; i++) this.#onFrame(this.#packet(descriptors, selection[i] ?? 0));
    return count;
  }

  /** As the kernel with UDP_GRO: what comes from one address one behind the other is one message. */
  udpRead(socket: number, arenaOffset: number, descriptors: Int32Array, max: number, endpoints: Int32Array): number {
    const inbox = this.sockets.get(socket)?.inbox ?? [];
    let messages = 0;
    let offset = arenaOffset;
    let count = 0;
    for (; count < Math.min(max, inbox.length); count++) {
      const { bytes, endpoint } = inbox[count] as SimDatagram;
      if (messages === 0 || !sameEndpoint(endpoints, messages - 1, endpoint, 0)) {
        if (messages === UDP_RECEIVE_MESSAGES) break;
        endpoints.set(endpoint, messages++ * ENDPOINT_WORDS);
      }
      this.pool.set(bytes, offset);
      descriptors.set([offset, bytes.length, 0, messages - 1], count * DESCRIPTOR_WORDS);
      offset += bytes.length;
    }
    inbox.splice(0, count);
    return count;
  }

  udpWrite(
    socket: number,
    endpoints: Int32Array,
    endpointIndex: number,
    descriptors: Int32Array,
    selection: Int32Array,
    count: number,
  ): number {
    const target = this.sockets.get(socket);
    if (target === undefined) return -EBADF;
    const at = endpointIndex * ENDPOINT_WORDS;
    const endpoint = endpoints.slice(at, at + ENDPOINT_WORDS);
    for (let i = 0; i < count; i++) {
      const sent = target.send({ bytes: this.#packet(descriptors, selection[i] ?? 0).slice(), endpoint });
      if (sent !== 1) return i > 0 ? i : sent;
    }
    return count;
  }

  seal(plain: Int32Array, sealed: Int32Array, count: number): void {
    for (let at = 0; at < count * DESCRIPTOR_WORDS; at += DESCRIPTOR_WORDS) {
      const key = this.#sealKeys[plain[at + AUX] ?? 0];
      sealed[at + LENGTH] = -1;
      if (key === undefined) continue;
      const from = plain[at + OFFSET] ?? 0;
      const datagram = sealed[at + OFFSET] ?? 0;
      const end = datagram + OUTER_HEADER_BYTES + (plain[at + LENGTH] ?? 0);
      this.pool.copyWithin(datagram + OUTER_HEADER_BYTES, from, from + end - datagram - OUTER_HEADER_BYTES);
      const [a, b] = this.#checksum(datagram, end, key);
      for (let word = 0; word < TAG_BYTES; word += 4) this.#view.setInt32(end + word, word < 8 ? a : b, true);
      sealed[at + LENGTH] = end + TAG_BYTES - datagram;
    }
  }

  open(sealed: Int32Array, plain: Int32Array, count: number): number {
    let authentic = 0;
    for (let at = 0; at < count * DESCRIPTOR_WORDS; at += DESCRIPTOR_WORDS) {
      const datagram = sealed[at + OFFSET] ?? 0;
      const bytes = (sealed[at + LENGTH] ?? 0) - OUTER_HEADER_BYTES - TAG_BYTES;
      const key = this.#openKeys[sealed[at + AUX] ?? 0];
      plain[at + LENGTH] = -1;
      if (key === undefined || bytes < 0 || !this.#isAuthentic(datagram, bytes, key)) continue;
      const payload = datagram + OUTER_HEADER_BYTES;
      this.pool.copyWithin(plain[at + OFFSET] ?? 0, payload, payload + bytes);
      plain[at + LENGTH] = bytes;
      authentic++;
    }
    return authentic;
  }

  setKey(index: number, cipher: number, key: Uint8Array, use: "seal" | "open"): void {
    let a = cipher;
    let b = ~cipher;
    for (const byte of key) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte, 0x85ebca6b);
    }
    (use === "seal" ? this.#sealKeys : this.#openKeys)[index] = [a, b];
  }

  clearKey(index: number, use: "seal" | "open"): void {
    (use === "seal" ? this.#sealKeys : this.#openKeys)[index] = undefined;
  }

  /** @throws Error for a descriptor that no port may be given. */
  #packet(descriptors: Int32Array, index: number): Uint8Array {
    const offset = descriptors[index * DESCRIPTOR_WORDS + OFFSET] ?? -1;
    const length = descriptors[index * DESCRIPTOR_WORDS + LENGTH] ?? -1;
    if (offset < 0 || length <= 0 || offset + length > POOL_BYTES)
      throw new Error(`packet at ${offset}, ${length} long`);
    return this.pool.subarray(offset, offset + length);
  }

  #isAuthentic(datagram: number, bytes: number, key: SimKey): boolean {
    const end = datagram + OUTER_HEADER_BYTES + bytes;
    const [a, b] = this.#checksum(datagram, end, key);
    for (let word = 0; word < TAG_BYTES; word += 4) {
      if (this.#view.getInt32(end + word, true) !== (word < 8 ? a : b)) return false;
    }
    return true;
  }

  /** Each step is reversible, so that no single changed byte goes unseen. */
  #checksum(from: number, end: number, [keyA, keyB]: SimKey): readonly [number, number] {
    const { pool } = this;
    let a = keyA ^ (end - from);
    let b = keyB;
    for (let at = from; at < end; at++) {
      const byte = pool[at] as number;
      a = Math.imul(a ^ byte, 0x01000193);
      b = (Math.imul(b ^ byte, 0x85ebca6b) + (b >>> 15)) | 0;
    }
    return [a, b];
  }
}

/** Errno of the kernel for a socket that is not there. */
const EBADF = 9;
