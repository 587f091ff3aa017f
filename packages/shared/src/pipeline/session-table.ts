import { Epoch, type Peer } from "../peer/index.ts";
import { OLD_KEYS_KEEP_MS, REJECT_AFTER_MS, type SessionEpoch, UNCONFIRMED_KEEP_MS } from "../session/index.ts";
import type { EmitEvent } from "./events.ts";
import { MAX_KEYS, type PacketPorts } from "./ports.ts";

/** At most this many epochs of a peer open datagrams at once: sending, the one before, one unconfirmed, one spare. */
const EPOCHS_PER_PEER = 4;

/** The epochs of all peers by the index that datagrams carry, and the keys they hold in the port's tables. */
export class SessionTable {
  readonly #ports: PacketPorts;
  readonly #emit: EmitEvent;
  readonly #epochs = new Map<number, Epoch>();
  readonly #freeKeys: number[] = [];
  #nextKey = 0;
  /** Datagrams of a batch mostly belong to one session. */
  #last: Epoch | undefined;

  constructor(ports: PacketPorts, emit: EmitEvent) {
    this.#ports = ports;
    this.#emit = emit;
  }

  find(localIndex: number): Epoch | undefined {
    if (this.#last?.localIndex === localIndex) return this.#last;
    const epoch = this.#epochs.get(localIndex);
    if (epoch !== undefined) this.#last = epoch;
    return epoch;
  }

  install(peer: Peer, keys: SessionEpoch, nowMs: number): void {
    const keyIndex = this.#freeKeys.pop() ?? this.#nextKey++;
    if (keyIndex >= MAX_KEYS) {
      this.#emit({ type: "epoch-forgotten", localIndex: keys.localIndex });
      return;
    }
    this.#ports.setKey(keyIndex, keys.cipher, keys.sendKey, "seal");
    this.#ports.setKey(keyIndex, keys.cipher, keys.receiveKey, "open");
    const epoch = new Epoch(peer, keys, keyIndex, nowMs);
    this.#epochs.set(keys.localIndex, epoch);
    peer.epochs.unshift(epoch);
    while (peer.epochs.length > EPOCHS_PER_PEER) this.#forgetOldest(peer);
    if (epoch.confirmed) this.#send(epoch, nowMs);
  }

  /** The far end has used the keys, so it has them: from now on this epoch seals. */
  confirm(epoch: Epoch, nowMs: number): void {
    epoch.confirmed = true;
    const current = epoch.peer.sending;
    if (current === undefined || epoch.createdMs >= current.createdMs) this.#send(epoch, nowMs);
  }

  /** Takes away what is too old. */
  expire(peer: Peer, nowMs: number): void {
    for (let i = peer.epochs.length - 1; i >= 0; i--) {
      const epoch = peer.epochs[i];
      if (epoch === undefined || !isSpent(peer, epoch, nowMs)) continue;
      peer.epochs.splice(i, 1);
      this.#forget(epoch);
      if (peer.sending === epoch) peer.sending = undefined;
    }
  }

  /** Forgets all keys of a peer. */
  removePeer(peer: Peer): void {
    for (const epoch of peer.epochs) this.#forget(epoch);
    peer.epochs.length = 0;
    peer.sending = undefined;
  }

  #send(epoch: Epoch, nowMs: number): void {
    const peerId = epoch.peer.id;
    if (epoch.peer.sending !== undefined) this.#emit({ type: "rekeyed", peerId, rekeys: ++epoch.peer.rekeys });
    else this.#emit({ type: "session-confirmed", peerId });
    epoch.peer.sending = epoch;
    epoch.peer.sendingSinceMs = nowMs;
  }

  /** Never the epoch that seals: unconfirmed ones pile up while our answers to handshakes are lost. */
  #forgetOldest(peer: Peer): void {
    const at = peer.epochs.findLastIndex((epoch) => epoch !== peer.sending);
    for (const old of peer.epochs.splice(at, 1)) this.#forget(old);
  }

  #forget(epoch: Epoch): void {
    this.#epochs.delete(epoch.localIndex);
    if (this.#last === epoch) this.#last = undefined;
    this.#ports.clearKey(epoch.keyIndex, "seal");
    this.#ports.clearKey(epoch.keyIndex, "open");
    this.#freeKeys.push(epoch.keyIndex);
    this.#emit({ type: "epoch-forgotten", localIndex: epoch.localIndex });
  }
}

/** Older than keys may be; replaced for so long that no slow line holds anything sealed with it; or never taken up. */
function isSpent(peer: Peer, epoch: Epoch, nowMs: number): boolean {
  const ageMs = nowMs - epoch.createdMs;
  if (ageMs >= REJECT_AFTER_MS) return true;
  if (!epoch.confirmed) return ageMs >= UNCONFIRMED_KEEP_MS;
  return peer.sending !== epoch && nowMs - peer.sendingSinceMs >= OLD_KEYS_KEEP_MS;
}
