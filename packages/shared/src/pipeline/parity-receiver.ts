import { ParityStore } from "../parity/index.ts";
import type { Path, Peer } from "../peer/index.ts";
import { type DatagramView, INNER_HEADER_BYTES } from "../wire/index.ts";
import type { Delivery } from "./delivery.ts";
import type { DropCounters } from "./drops.ts";
import type { PacketPool } from "./packet-pool.ts";
import type { PacketPorts } from "./ports.ts";
import type { Reporter } from "./reporter.ts";

/** Makes what a line lost out of the parity that came over it, and hands it on as if it had arrived. */
export class ParityReceiver {
  readonly #ports: PacketPorts;
  readonly #pool: PacketPool;
  readonly #datagrams: DatagramView;
  readonly #delivery: Delivery;
  readonly #reporter: Reporter;
  readonly #drops: DropCounters;

  constructor(parts: {
    ports: PacketPorts;
    pool: PacketPool;
    datagrams: DatagramView;
    delivery: Delivery;
    reporter: Reporter;
    drops: DropCounters;
  }) {
    this.#ports = parts.ports;
    this.#pool = parts.pool;
    this.#datagrams = parts.datagrams;
    this.#delivery = parts.delivery;
    this.#reporter = parts.reporter;
    this.#drops = parts.drops;
  }

  /** A datagram that parity may cover has been opened. @param plainBytes 0 of a control datagram. */
  note(peer: Peer, path: Path, counter: number, plain: number, plainBytes: number, nowMs: number): void {
    const store = path.parityStore;
    if (store === undefined) return;
    const group = store.note(counter, plain, plainBytes);
    if (group >= 0) this.#make(peer, path, store, group, nowMs);
  }

  /** @param sealed where the datagram stands with its header. @param plain the sum in it. */
  onParity(
    peer: Peer,
    path: Path,
    counter: number,
    sealed: number,
    plain: number,
    plainBytes: number,
    nowMs: number,
  ): void {
    path.parityStore ??= new ParityStore(this.#ports.pool);
    const span = this.#datagrams.paritySpan(sealed);
    const lengths = this.#datagrams.parityLengths(sealed);
    const group = path.parityStore.addParity(counter, span, lengths, plain, plainBytes);
    if (group >= 0) this.#make(peer, path, path.parityStore, group, nowMs);
  }

  #make(peer: Peer, path: Path, store: ParityStore, group: number, nowMs: number): void {
    const slot = this.#pool.take();
    if (slot < 0) {
      this.#drops["pool-empty"]++;
      return;
    }
    const plain = this.#delivery.payloadOffset(peer, slot) - INNER_HEADER_BYTES;
    const bytes = store.solve(group, plain);
    const isMade = bytes > 0;
    if (isMade) this.#reporter.onMade(peer, path, store.solvedCounter);
    if (!isMade || !this.#delivery.push(peer, path, slot, plain, bytes, nowMs, true)) this.#pool.give(slot);
  }
}
