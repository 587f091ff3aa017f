/**
 * What the packet loop asks of the outside. The addon (io/native.ts) fulfils it with system calls, the simulation
 * (test/sim) with virtual links.
 *
 * A packet is a descriptor of four integers in an Int32Array: { offset, length, flags, aux }, offset counted in the
 * pool. All vectors belong to the caller; a port reads and writes them during the call only. Counts are returned, or a
 * negative errno; nothing throws once the descriptors are open.
 */
export const DESCRIPTOR_WORDS = 4;
export const OFFSET = 0;
export const LENGTH = 1;
export const FLAGS = 2;
export const AUX = 3;

export interface PacketPorts {
  /** The packet pool: every offset counts from its start. Fixed for life; owned by the forwarder. */
  readonly pool: Uint8Array<ArrayBuffer>;

  /** Monotonic milliseconds. */
  nowMs(): number;

  /**
   * Reads frames from a TAP into the empty slots at descriptors[i].offset (each MAX_SLOT bytes behind it) and sets
   * their lengths. TCP super-frames of the kernel are cut into frames of the size the kernel asks for, checksums complete.
   * @returns how many descriptors were filled; 0 when nothing was there. What is left of a super-frame comes first next time.
   */
  tapRead(tap: number, descriptors: Int32Array, max: number): number;

  /**
   * Writes the frames descriptors[selection[0..count)], joining consecutive segments of a TCP flow (GRO) if the TAP can.
   * Frames may be changed by the call. @returns frames written; those that did not fit are dropped.
   */
  tapWrite(tap: number, descriptors: Int32Array, selection: Int32Array, count: number): number;

  /**
   * Receives datagrams into the arena at arenaOffset (UDP_RECEIVE_ARENA_BYTES long). descriptors[i] = { offset, length, 0,
   * index of the source in endpoints }.
   * @param endpoints room for UDP_RECEIVE_MESSAGES endpoints, overwritten.
   * @returns datagrams received, at most max; max must be >= 64.
   */
  udpRead(socket: number, arenaOffset: number, descriptors: Int32Array, max: number, endpoints: Int32Array): number;

  /**
   * Sends the datagrams descriptors[selection[0..count)] to one endpoint, in order, runs of equal size as one GSO batch.
   * @returns how many were taken by the kernel (the rest did not fit the socket buffer), or a negative errno for the
   * first one refused (-EMSGSIZE, -ENETUNREACH, -EPERM ...), when none was taken.
   */
  udpWrite(
    socket: number,
    endpoints: Int32Array,
    endpointIndex: number,
    descriptors: Int32Array,
    selection: Int32Array,
    count: number,
  ): number;

  /**
   * Seals count packets out of place. plain[i] = { offset, length of the plaintext, 0, key }; sealed[i].offset is where the
   * datagram starts: its 16-byte outer header already stands there and is the associated data; ciphertext and tag are
   * written behind it and sealed[i].length is set (header + plaintext + tag), or -1 when the key is missing.
   * The nonce is header bytes 0..3 and 8..15. The plaintext is not changed.
   */
  seal(plain: Int32Array, sealed: Int32Array, count: number): void;

  /**
   * Opens count datagrams: sealed[i] = { offset, length, 0, key }, plain[i].offset = where the plaintext goes;
   * plain[i].length is set to its length, or -1 when it is forged or cut. @returns how many were authentic.
   */
  open(sealed: Int32Array, plain: Int32Array, count: number): number;

  /** Installs a key for one direction under an index in [0, MAX_KEYS). Key bytes are copied. */
  setKey(index: number, cipher: number, key: Uint8Array, use: "seal" | "open"): void;
  clearKey(index: number, use: "seal" | "open"): void;
}

/** Bytes of one slot a port may write behind a descriptor's offset (of SLOT_BYTES - SLOT_HEADROOM). */
export const SLOT_BYTES = 2048;
/** The frame in a slot starts here: 2 mod 4, so that the IP header behind 14 bytes of Ethernet is aligned. */
export const SLOT_HEADROOM = 66;
export const UDP_RECEIVE_MESSAGES = 32;
export const UDP_RECEIVE_ARENA_BYTES = UDP_RECEIVE_MESSAGES * (65536 + 192);
export const MAX_KEYS = 65536;
