import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import nodeGypBuild from "node-gyp-build";
import { EX_UNAVAILABLE, WanbondError } from "../errors.ts";

/** What the kernel takes off our hands on a TAP. Without vnet, frames are moved one by one. */
export interface TapOffloads {
  readonly vnet: boolean;
  /** TCP super-frames come from the device. */
  readonly tso: boolean;
  /** UDP super-frames too (Linux 6.2). */
  readonly uso: boolean;
}

export interface UdpOpenOptions {
  readonly family: 4 | 6;
  /** Binds to this device (SO_BINDTODEVICE); any device without it. */
  readonly device?: string;
  /** Source address as text; any address without it. */
  readonly address?: string;
  /** 0 lets the kernel choose: see localPort. */
  readonly port: number;
  /** Of each of the socket's buffers, beyond the system's limit where that is allowed; 0 leaves them. */
  readonly bufferBytes: number;
  readonly gro: boolean;
  /** Endpoints that udpRead gives then hold the address a datagram came to. */
  readonly packetInfo: boolean;
}

/** One set of ports of the addon: an opaque handle. Its memory is freed with it. */
export type PortsHandle = object & { readonly portsHandle: never };

/**
 * The addon as it is. It opens descriptors (plain numbers, owned by the caller, of use in every thread) and works on
 * vectors of packets. The calls that open throw an Error whose code is the errno's name ("EPERM"); all others return a
 * count or a negative errno.
 */
export interface NativeAddon {
  /** Creates a TAP that exists as long as its descriptor. Offloads that the kernel refuses are left out. */
  tapOpen(name: string, options: { readonly vnet: boolean }): { readonly fd: number; readonly offloads: TapOffloads };
  /** A non-blocking UDP socket whose datagrams are never fragmented. gro, gso: what the kernel can do. */
  udpOpen(options: UdpOpenOptions): { readonly fd: number; readonly gro: boolean; readonly gso: boolean };
  localPort(fd: number): number;
  eventfdOpen(): number;
  eventfdSignal(fd: number): number;
  /** @returns 1 when it had been signalled since the last time, else 0. */
  eventfdDrain(fd: number): number;
  /** A socket that becomes readable when a link, address, route or rule changes. */
  netlinkOpen(): number;
  /** @returns how many changes were waiting; an overrun of the socket counts as one. */
  netlinkDrain(fd: number): number;
  close(fd: number): number;
  /**
   * Sends one datagram to a unix socket, which node cannot. @param path in the file system, or an abstract name with "@"
   * for its first byte. @returns how many bytes, or a negative errno.
   */
  unixSend(path: string, bytes: Uint8Array): number;
  /**
   * Waits like ppoll. fds[2i] = descriptor, fds[2i + 1] = events; afterwards fds[2i + 1] >> 16 = what happened.
   * @param timeoutMs with microseconds behind the point; negative: for ever.
   * @returns how many descriptors have something; 0 also after a signal.
   */
  poll(fds: Int32Array, count: number, timeoutMs: number): number;
  /** CLOCK_MONOTONIC, the same in all threads and processes. */
  nowMs(): number;
  /** Whether AES-256-GCM is faster here than ChaCha20-Poly1305. */
  hasAesInstructions(): boolean;

  createPorts(pool: Uint8Array<ArrayBuffer>): PortsHandle;
  tapRead(ports: PortsHandle, tap: number, descriptors: Int32Array, max: number): number;
  tapWrite(ports: PortsHandle, tap: number, descriptors: Int32Array, selection: Int32Array, count: number): number;
  udpRead(
    ports: PortsHandle,
    socket: number,
    arenaOffset: number,
    descriptors: Int32Array,
    max: number,
    endpoints: Int32Array,
  ): number;
  udpWrite(
    ports: PortsHandle,
    socket: number,
    endpoints: Int32Array,
    endpointIndex: number,
    descriptors: Int32Array,
    selection: Int32Array,
    count: number,
  ): number;
  seal(ports: PortsHandle, plain: Int32Array, sealed: Int32Array, count: number): number;
  open(ports: PortsHandle, sealed: Int32Array, plain: Int32Array, count: number): number;
  setKey(ports: PortsHandle, index: number, cipher: number, key: Uint8Array, sealing: boolean): number;
  clearKey(ports: PortsHandle, index: number, sealing: boolean): number;
  /** Copies the counters, in the order of statNames. */
  stats(ports: PortsHandle, counters: Float64Array): number;
  readonly statNames: readonly string[];
}

/** Events of poll(), from poll.h. */
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;

let loaded: NativeAddon | undefined;

/** The addon, loaded at the first call. Every thread may load it. */
export function native(): NativeAddon {
  loaded ??= createRequire(import.meta.url)(nativePath()) as NativeAddon;
  return loaded;
}

/**
 * The addon's file: the one beside an installed program, the one built here, else the prebuilt one that fits this machine. The variable WANBOND_NATIVE names
 * another one, such as a build with sanitizers.
 */
export function nativePath(): string {
  const chosen = process.env["WANBOND_NATIVE"];
  if (chosen !== undefined && chosen !== "") return chosen;
  const folder = dirname(fileURLToPath(import.meta.url));
  const installed = join(folder, "wanbond.node");
  if (existsSync(installed)) return installed;
  const root = packageRoot(folder);
  try {
    return nodeGypBuild.path(root);
  } catch (cause) {
    throw new WanbondError(
      "WB_NO_ADDON",
      EX_UNAVAILABLE,
      `The packet I/O addon is not built. Run "npm run build:native" with g++, make and python3 installed. (${cause})`,
    );
  }
}

/** The folder with binding.gyp at or above this file, be it a source file or a bundle in dist/. */
function packageRoot(folder: string): string {
  if (existsSync(join(folder, "binding.gyp"))) return folder;
  const parent = dirname(folder);
  return parent === folder ? folder : packageRoot(parent);
}
