import type { Epoch, Path } from "../peer/index.ts";
import {
  type DatagramView,
  FRAGMENT_HEADER_BYTES,
  INNER_FRAGMENT,
  INNER_HEADER_BYTES,
  SEND_TIME_UNIT_US,
  SEQUENCE_MODULUS,
  TYPE_DATA,
} from "../wire/index.ts";
import type { DropCounters } from "./drops.ts";
import type { PacketPorts } from "./ports.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

/** Puts numbered frames on paths, whole where they fit and cut where they do not. */
export class FrameSender {
  readonly #ports: PacketPorts;
  readonly #datagrams: DatagramView;
  readonly #batch: TransmitBatch;
  readonly #drops: DropCounters;
  #stampedMs = Number.NaN;
  #sendTime = 0;

  constructor(ports: PacketPorts, datagrams: DatagramView, batch: TransmitBatch, drops: DropCounters) {
    this.#ports = ports;
    this.#datagrams = datagrams;
    this.#batch = batch;
    this.#drops = drops;
  }

  /**
   * @param payload where the frame or packet starts; the INNER_HEADER_BYTES before it are overwritten. It stays the
   * caller's, and unchanged until the batch is flushed.
   */
  send(
    path: Path,
    epoch: Epoch,
    payload: number,
    payloadBytes: number,
    flags: number,
    flowSlot: number,
    sequence: number,
    nowMs: number,
  ): void {
    if (nowMs !== this.#stampedMs) this.#stamp(nowMs);
    if (payloadBytes > path.payloadLimit) {
      this.#sendFragments(path, epoch, payload, payloadBytes, flags, flowSlot, sequence, nowMs);
      return;
    }
    const plain = payload - INNER_HEADER_BYTES;
    this.#datagrams.writeInner(plain, flags, this.#sendTime, flowSlot, sequence);
    this.#batch.add(path, epoch, TYPE_DATA, plain, payloadBytes + INNER_HEADER_BYTES, nowMs);
  }

  #stamp(nowMs: number): void {
    this.#stampedMs = nowMs;
    this.#sendTime = Math.floor((nowMs * 1000) / SEND_TIME_UNIT_US) % SEQUENCE_MODULUS;
  }

  /** MikroTik's MRRU: what is longer than a member's MTU is cut here and joined at the far end, in equal parts. */
  #sendFragments(
    path: Path,
    epoch: Epoch,
    payload: number,
    payloadBytes: number,
    flags: number,
    flowSlot: number,
    sequence: number,
    nowMs: number,
  ): void {
    const room = path.payloadLimit - FRAGMENT_HEADER_BYTES;
    if (room <= 0) {
      this.#drops["too-long"]++;
      return;
    }
    const partBytes = Math.ceil(payloadBytes / Math.ceil(payloadBytes / room));
    for (let from = 0; from < payloadBytes; from += partBytes) {
      const plain = this.#batch.borrow();
      if (plain < 0) return;
      const bytes = Math.min(partBytes, payloadBytes - from);
      const body = plain + INNER_HEADER_BYTES + FRAGMENT_HEADER_BYTES;
      this.#datagrams.writeInner(plain, flags | INNER_FRAGMENT, this.#sendTime, flowSlot, sequence);
      this.#datagrams.writeFragment(plain + INNER_HEADER_BYTES, from, payloadBytes);
      this.#ports.pool.copyWithin(body, payload + from, payload + from + bytes);
      this.#batch.add(path, epoch, TYPE_DATA, plain, body - plain + bytes, nowMs);
    }
  }
}
