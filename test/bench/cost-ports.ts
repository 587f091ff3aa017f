import {
  AUX,
  DESCRIPTOR_WORDS,
  LENGTH,
  OFFSET,
  type PacketPorts,
  POOL_BYTES,
  SLOT_BYTES,
  UDP_RECEIVE_MESSAGES,
} from "../../packages/shared/src/pipeline/index.ts";
import {
  ENDPOINT_WORDS,
  INNER_HEADER_BYTES,
  OUTER_HEADER_BYTES,
  TAG_BYTES,
  TYPE_DATA,
} from "../../packages/shared/src/wire/index.ts";

/** What the packet loop reads of a data datagram: inner header, IPv4 header, TCP up to its flags; rounded up. */
const HEADER_WORDS = 12;
/** Of a frame from the TAP: the end of its Ethernet header, IPv4 header, TCP header without options. */
const FRAME_WORDS = 2 + 5 + 5;
const NO_WORDS = new Int32Array(0);
/** Datagrams on their way to an end; more are lost. */
const WIRE_DATAGRAMS = 8192;
/** Where a frame's IP packet starts in its slot, and the inner header before it, are multiples of four. */
const ETHERNET_BYTES = 14;
const TO_INNER_HEADER = ETHERNET_BYTES - INNER_HEADER_BYTES;

/**
 * Ports of an end that has no system below it. Of data datagrams only the headers move, sealing is nothing, so that what
 * is left is the packet loop's own work. Control datagrams arrive whole: sessions and measurements live.
 */
export class CostPorts implements PacketPorts {
  readonly pool = new Uint8Array(POOL_BYTES);
  nowTimeMs = 0;
  /** What the TAP has for the next read. */
  offeredFrames = 0;
  /** Frames this end wrote to its TAP. */
  writtenFrames = 0;
  /** The end that datagrams go to, and the socket there they come from, by socket here. */
  far: CostPorts | undefined;
  readonly #words = new Int32Array(this.pool.buffer);
  readonly #frameBytes: number;
  /** Of each frame what is behind TO_INNER_HEADER. */
  readonly #frames: readonly Int32Array[];
  readonly #routes = new Map<number, { socket: number; source: Int32Array }>();
  // The wire towards this end.
  readonly #wire = new Uint8Array(WIRE_DATAGRAMS * SLOT_BYTES);
  readonly #wireWords = new Int32Array(this.#wire.buffer);
  readonly #wireBytes = new Int32Array(WIRE_DATAGRAMS);
  readonly #wireSockets = new Int32Array(WIRE_DATAGRAMS);
  readonly #wireSources: Int32Array[] = [];
  #wireCount = 0;
  #wireRead = 0;

  /**
   * @param frames headers of what the TAP gives, in turn and again and again.
   * @param frameBytes the length of each; what is behind the headers is never looked at.
   */
  constructor(frames: readonly Uint8Array[], frameBytes: number) {
    this.#frames = frames.map(
      (frame) => new Int32Array(frame.slice(TO_INNER_HEADER, TO_INNER_HEADER + FRAME_WORDS * 4).buffer),
    );
    this.#frameBytes = frameBytes;
  }

  /** Datagrams sent by `socket` come out of the far end's `farSocket`, as from `source`. */
  connect(socket: number, farSocket: number, source: Int32Array): void {
    this.#routes.set(socket, { socket: farSocket, source });
  }

  /** The socket that the next waiting datagram came to; -1 when none waits. */
  get readableSocket(): number {
    return this.#wireRead < this.#wireCount ? (this.#wireSockets[this.#wireRead] ?? -1) : -1;
  }

  nowMs(): number {
    return this.nowTimeMs;
  }

  tapRead(_tap: number, descriptors: Int32Array, max: number): number {
    const count = Math.min(this.offeredFrames, max);
    this.offeredFrames -= count;
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      const to = ((descriptors[at + OFFSET] ?? 0) + TO_INNER_HEADER) >> 2;
      const frame = this.#frames[i % this.#frames.length] ?? NO_WORDS;
      for (let word = 0; word < FRAME_WORDS; word++) this.#words[to + word] = frame[word] ?? 0;
      descriptors[at + LENGTH] = this.#frameBytes;
    }
    return count;
  }

  tapWrite(_tap: number, _descriptors: Int32Array, _selection: Int32Array, count: number): number {
    this.writtenFrames += count;
    return count;
  }

  udpRead(socket: number, arenaOffset: number, descriptors: Int32Array, max: number, endpoints: Int32Array): number {
    let count = 0;
    let messages = 0;
    let source: Int32Array | undefined;
    for (; this.#wireRead < this.#wireCount && count < max; this.#wireRead++, count++) {
      if (this.#wireSockets[this.#wireRead] !== socket) break;
      const from = this.#wireSources[this.#wireRead];
      if (from !== source && from !== undefined) {
        if (messages === UDP_RECEIVE_MESSAGES) break;
        endpoints.set(from, messages++ * ENDPOINT_WORDS);
        source = from;
      }
      const at = count * DESCRIPTOR_WORDS;
      const offset = arenaOffset + count * SLOT_BYTES;
      const bytes = this.#wireBytes[this.#wireRead] ?? 0;
      copyDatagram(this.#wire, this.#wireWords, this.#wireRead * SLOT_BYTES, this.pool, this.#words, offset, bytes);
      descriptors[at + OFFSET] = offset;
      descriptors[at + LENGTH] = bytes;
      descriptors[at + AUX] = messages - 1;
    }
    if (this.#wireRead === this.#wireCount) {
      this.#wireRead = 0;
      this.#wireCount = 0;
    }
    return count;
  }

  udpWrite(
    socket: number,
    _endpoints: Int32Array,
    _endpointIndex: number,
    descriptors: Int32Array,
    selection: Int32Array,
    count: number,
  ): number {
    const route = this.#routes.get(socket);
    if (route === undefined || this.far === undefined) return 0;
    for (let i = 0; i < count; i++) {
      const at = (selection[i] ?? 0) * DESCRIPTOR_WORDS;
      if (!this.far.#arrive(this, descriptors[at + OFFSET] ?? 0, descriptors[at + LENGTH] ?? 0, route)) return i;
    }
    return count;
  }

  seal(plain: Int32Array, sealed: Int32Array, count: number): void {
    for (let at = 0; at < count * DESCRIPTOR_WORDS; at += DESCRIPTOR_WORDS) {
      const datagram = sealed[at + OFFSET] ?? 0;
      const bytes = plain[at + LENGTH] ?? 0;
      this.#copy(plain[at + OFFSET] ?? 0, datagram + OUTER_HEADER_BYTES, bytes, datagram);
      sealed[at + LENGTH] = OUTER_HEADER_BYTES + bytes + TAG_BYTES;
    }
  }

  open(sealed: Int32Array, plain: Int32Array, count: number): number {
    for (let at = 0; at < count * DESCRIPTOR_WORDS; at += DESCRIPTOR_WORDS) {
      const datagram = sealed[at + OFFSET] ?? 0;
      const bytes = (sealed[at + LENGTH] ?? 0) - OUTER_HEADER_BYTES - TAG_BYTES;
      this.#copy(datagram + OUTER_HEADER_BYTES, plain[at + OFFSET] ?? 0, bytes, datagram);
      plain[at + LENGTH] = bytes;
    }
    return count;
  }

  setKey(): void {}

  clearKey(): void {}

  #arrive(from: CostPorts, offset: number, bytes: number, route: { socket: number; source: Int32Array }): boolean {
    const place = this.#wireCount;
    if (place === WIRE_DATAGRAMS) return false;
    this.#wireCount++;
    this.#wireBytes[place] = bytes;
    this.#wireSockets[place] = route.socket;
    this.#wireSources[place] = route.source;
    copyDatagram(from.pool, from.#words, offset, this.#wire, this.#wireWords, place * SLOT_BYTES, bytes);
    return true;
  }

  /** Of a datagram at `header` between its place and that of its plaintext. */
  #copy(from: number, to: number, bytes: number, header: number): void {
    if (this.pool[header] === TYPE_DATA) copyWords(this.#words, from, this.#words, to, HEADER_WORDS);
    else this.pool.copyWithin(to, from, from + bytes);
  }
}

function copyDatagram(
  from: Uint8Array,
  fromWords: Int32Array,
  offset: number,
  to: Uint8Array,
  toWords: Int32Array,
  at: number,
  bytes: number,
): void {
  if (from[offset] === TYPE_DATA) copyWords(fromWords, offset, toWords, at, OUTER_HEADER_BYTES / 4 + HEADER_WORDS);
  else to.set(from.subarray(offset, offset + bytes), at);
}

/** @param from, @param to in bytes, multiples of four. */
function copyWords(source: Int32Array, from: number, target: Int32Array, to: number, words: number): void {
  for (let word = 0; word < words; word++) target[(to >> 2) + word] = source[(from >> 2) + word] ?? 0;
}
