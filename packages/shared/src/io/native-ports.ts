import type { PacketPorts } from "../pipeline/index.ts";
import { type NativeAddon, native, type PortsHandle } from "./native.ts";

/** Counters of one NativePorts, in the addon's order (native/stats.h). What each means stands in README.md. */
export const STAT_NAMES = [
  "tapReads",
  "tapReadFrames",
  "tapReadTooLong",
  "tapReadMalformed",
  "tapWrites",
  "tapWriteFrames",
  "tapWriteRefused",
  "udpReads",
  "udpReadMessages",
  "udpReadDatagrams",
  "udpReadEmpty",
  "udpReadOverflow",
  "udpWrites",
  "udpWriteMessages",
  "udpWriteDatagrams",
  "udpWriteFull",
  "udpWriteRefused",
  "udpGsoRefused",
  "sealed",
  "sealRefused",
  "opened",
  "openForged",
  "openNoKey",
  "openBadLength",
  "badDescriptors",
] as const;
export type StatName = (typeof STAT_NAMES)[number];

/** The packet loop's ports as system calls on the vectors of one pool. */
export class NativePorts implements PacketPorts {
  readonly pool: Uint8Array<ArrayBuffer>;
  readonly #addon: NativeAddon = native();
  readonly #handle: PortsHandle;

  /** @param poolBytes fixed for life. The pool's buffer must never be transferred to another thread. */
  constructor(poolBytes: number) {
    this.pool = new Uint8Array(poolBytes);
    this.#handle = this.#addon.createPorts(this.pool);
  }

  nowMs(): number {
    return this.#addon.nowMs();
  }

  tapRead(tap: number, descriptors: Int32Array, max: number): number {
    return this.#addon.tapRead(this.#handle, tap, descriptors, max);
  }

  tapWrite(tap: number, descriptors: Int32Array, selection: Int32Array, count: number): number {
    return this.#addon.tapWrite(this.#handle, tap, descriptors, selection, count);
  }

  udpRead(socket: number, arenaOffset: number, descriptors: Int32Array, max: number, endpoints: Int32Array): number {
    return this.#addon.udpRead(this.#handle, socket, arenaOffset, descriptors, max, endpoints);
  }

  udpWrite(
    socket: number,
    endpoints: Int32Array,
    endpointIndex: number,
    descriptors: Int32Array,
    selection: Int32Array,
    count: number,
  ): number {
    return this.#addon.udpWrite(this.#handle, socket, endpoints, endpointIndex, descriptors, selection, count);
  }

  seal(plain: Int32Array, sealed: Int32Array, count: number): void {
    this.#addon.seal(this.#handle, plain, sealed, count);
  }

  open(sealed: Int32Array, plain: Int32Array, count: number): number {
    return this.#addon.open(this.#handle, sealed, plain, count);
  }

  /** @throws when the key is not 32 bytes long, or OpenSSL here lacks the cipher. */
  setKey(index: number, cipher: number, key: Uint8Array, use: "seal" | "open"): void {
    const result = this.#addon.setKey(this.#handle, index, cipher, key, use === "seal");
    if (result < 0) throw new Error(`key ${index} of cipher ${cipher} refused: errno ${-result}`);
  }

  clearKey(index: number, use: "seal" | "open"): void {
    this.#addon.clearKey(this.#handle, index, use === "seal");
  }

  /** Copies the counters since the start, in the order of STAT_NAMES. @param counters STAT_NAMES.length long. */
  stats(counters: Float64Array): void {
    this.#addon.stats(this.#handle, counters);
  }
}
