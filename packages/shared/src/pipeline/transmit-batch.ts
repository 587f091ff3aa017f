import type { Epoch, Path } from "../peer/index.ts";
import { PATH_BATCH } from "../peer/index.ts";
import { type DatagramView, TYPE_DATA, TYPE_PARITY } from "../wire/index.ts";
import { BatchList } from "./batch-list.ts";
import type { DropCounters } from "./drops.ts";
import type { PacketPool } from "./packet-pool.ts";
import { AUX, DESCRIPTOR_WORDS, LENGTH, OFFSET, type PacketPorts, SLOT_BYTES } from "./ports.ts";

/** Datagrams of one batch; each has a place of its own to be sealed into. */
const BATCH_DATAGRAMS = 1024;
export const TRANSMIT_ARENA_BYTES = BATCH_DATAGRAMS * SLOT_BYTES;

/** Slots lent at a time: a part of what is left of the pool when all else is held. */
const MOST_LENT = 512;

const EMSGSIZE = 90;
/** A datagram of this size says that larger ones than the base of the MTU search (1200) matter to somebody. */
const LARGE_BYTES = 1100;
const FIRST = new Int32Array(1);

/**
 * Datagrams on their way out: numbered and addressed one by one, then sealed and sent together. Plaintexts stay where
 * they are and unchanged until flush() returns.
 */
export class TransmitBatch {
  readonly #ports: PacketPorts;
  readonly #datagrams: DatagramView;
  readonly #drops: DropCounters;
  readonly #plain = new Int32Array(BATCH_DATAGRAMS * DESCRIPTOR_WORDS);
  readonly #sealed = new Int32Array(BATCH_DATAGRAMS * DESCRIPTOR_WORDS);
  readonly #touched = new BatchList<Path>();
  readonly #pool: PacketPool;
  /** Slots lent until the next flush, for plaintexts that are made here: fragments, copies, control messages. */
  readonly #lent: Int32Array;
  /** IP packets of this size that a device refused in the batch under way. */
  readonly #tooBig: { readonly path: Path; readonly mtuBytes: number }[] = [];
  readonly #raw = new Int32Array(DESCRIPTOR_WORDS);
  #count = 0;
  #lentCount = 0;

  /** @param arenaOffset TRANSMIT_ARENA_BYTES of the pool, a multiple of 4. */
  constructor(ports: PacketPorts, pool: PacketPool, datagrams: DatagramView, arenaOffset: number, drops: DropCounters) {
    this.#ports = ports;
    this.#pool = pool;
    this.#datagrams = datagrams;
    this.#drops = drops;
    this.#lent = new Int32Array(pool.slotCount);
    for (let i = 0; i < BATCH_DATAGRAMS; i++) {
      this.#sealed[i * DESCRIPTOR_WORDS + OFFSET] = arenaOffset + i * SLOT_BYTES;
    }
  }

  /** @returns where a frame starts in a slot that is the caller's until flush(), or -1 when the pool is empty. */
  borrow(): number {
    const slot = this.#pool.take();
    if (slot < 0) {
      this.#drops["pool-empty"]++;
      return -1;
    }
    this.lend(slot);
    return this.#pool.frameOffset(slot);
  }

  /** Takes over a slot and gives it back to the pool when all that was staged out of it is sealed. */
  lend(slot: number): void {
    this.#lent[this.#lentCount++] = slot;
  }

  /** To be called between two frames of a long row, where nothing borrowed waits to be added: what is lent stays bounded. */
  relieve(nowMs: number): void {
    if (this.#lentCount >= MOST_LENT) this.flush(nowMs);
  }

  /** Puts one datagram on a path: its next counter, its key, its place in the path's queue of this batch. */
  add(path: Path, epoch: Epoch, type: number, plainOffset: number, plainBytes: number, nowMs: number, flags = 0): void {
    if (this.#count === BATCH_DATAGRAMS || path.staged === PATH_BATCH) this.#sendAll(nowMs);
    const index = this.#count++;
    const at = index * DESCRIPTOR_WORDS;
    this.#datagrams.writeOuter(
      this.#sealed[at + OFFSET] ?? 0,
      type,
      path.number,
      epoch.remoteIndex,
      path.nextCounter++,
      flags,
    );
    if (type !== TYPE_PARITY) path.parityMaker?.cover(plainOffset, type === TYPE_DATA ? plainBytes : 0, nowMs);
    this.#plain[at + OFFSET] = plainOffset;
    this.#plain[at + LENGTH] = plainBytes;
    this.#plain[at + AUX] = epoch.keyIndex;
    if (path.staged === 0) this.#touched.add(path);
    path.selection[path.staged++] = index;
    if (type === TYPE_DATA && plainBytes > LARGE_BYTES) path.sentLarge = true;
    path.monitor.onSent(plainBytes + path.datagramOverheadBytes, type === TYPE_DATA, nowMs);
  }

  /** Seals and sends all that was added, and takes the lent slots back. */
  flush(nowMs: number): void {
    while (this.#count > 0) this.#sendAll(nowMs);
    for (let i = 0; i < this.#lentCount; i++) this.#pool.give(this.#lent[i] ?? 0);
    this.#lentCount = 0;
  }

  #sendAll(nowMs: number): void {
    if (this.#count === 0) return;
    this.#ports.seal(this.#plain, this.#sealed, this.#count);
    const touched = this.#touched;
    for (let i = 0; i < touched.count; i++) {
      const path = touched.at(i);
      if (path !== undefined) this.#send(path);
    }
    touched.clear();
    this.#count = 0;
    if (this.#tooBig.length > 0) this.#learnMtu(nowMs);
  }

  /** When nothing is under way any more: it may put another MTU probe into the batch. */
  #learnMtu(nowMs: number): void {
    for (const { path, mtuBytes } of this.#tooBig.splice(0)) path.mtuSearch.onTooBig(mtuBytes, nowMs);
  }

  #send(path: Path): void {
    let selection = path.selection;
    let left = path.staged;
    path.staged = 0;
    while (left > 0) {
      const sent = this.#ports.udpWrite(path.socket, path.endpoint, 0, this.#sealed, selection, left);
      if (sent === left) return;
      if (sent === 0 || (sent < 0 && sent !== -EMSGSIZE)) {
        // What a full socket did not take is lost, as in a full network card.
        this.#drops[sent === 0 ? "socket-full" : "unreachable"] += left;
        return;
      }
      if (sent < 0) this.#onTooBig(path, selection[0] ?? 0);
      // Where it stopped, the next call tells why. One datagram too long must not hold back the shorter ones behind it.
      const done = Math.max(1, sent);
      selection = selection.subarray(done);
      left -= done;
    }
  }

  #onTooBig(path: Path, index: number): void {
    this.#drops["message-too-big"]++;
    const datagramBytes = this.#sealed[index * DESCRIPTOR_WORDS + LENGTH] ?? 0;
    this.#tooBig.push({ path, mtuBytes: datagramBytes + path.ipUdpBytes });
  }

  /** Sends bytes as they are, at once: handshakes. */
  sendRaw(socket: number, endpoint: Int32Array, bytes: Uint8Array): void {
    const offset = this.borrow();
    if (offset < 0) return;
    this.#ports.pool.set(bytes, offset);
    this.#raw[OFFSET] = offset;
    this.#raw[LENGTH] = bytes.length;
    if (this.#ports.udpWrite(socket, endpoint, 0, this.#raw, FIRST, 1) !== 1) this.#drops.unreachable++;
  }
}
