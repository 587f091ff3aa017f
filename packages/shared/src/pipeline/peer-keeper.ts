import type { Path, Peer } from "../peer/index.ts";
import { CLOSE_REMOVED } from "../wire/index.ts";
import type { PathOptions, PeerOptions } from "./commands.ts";
import type { ControlChannel } from "./control-channel.ts";
import type { Delivery } from "./delivery.ts";
import type { Destinations } from "./destinations.ts";
import type { Measurements } from "./measurements.ts";
import type { PeerFactory } from "./peer-factory.ts";
import type { SessionTable } from "./session-table.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

interface KeeperParts {
  readonly control: ControlChannel;
  readonly sessions: SessionTable;
  readonly destinations: Destinations;
  readonly batch: TransmitBatch;
  readonly delivery: Delivery;
  readonly measurements: Measurements;
  readonly factory: PeerFactory;
}

/** Peers and their paths as they come and go. */
export class PeerKeeper {
  readonly #parts: KeeperParts;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  addPeer(options: PeerOptions, nowMs: number): void {
    const peer = this.#parts.factory.createPeer(options, nowMs);
    this.#parts.destinations.add(peer);
    this.#parts.destinations.setPrefixes(peer.id, options.prefixes);
  }

  /** @param closeReason told to the far end; null: it is told nothing. */
  removePeer(peer: Peer, closeReason: number | null, nowMs: number): void {
    // Who is put out is to know why, whatever its lines are like.
    const paths = closeReason === CLOSE_REMOVED ? peer.paths : [peer.bestPath() ?? peer.anyPath()];
    for (const path of paths) {
      if (path !== undefined && closeReason !== null) this.#parts.control.close(peer, path, closeReason, nowMs);
    }
    peer.sender?.close();
    this.#parts.measurements.removePeer(peer);
    this.#parts.batch.flush(nowMs);
    this.#parts.delivery.release(peer, nowMs);
    this.#parts.sessions.removePeer(peer);
    this.#parts.destinations.remove(peer);
  }

  /** The far end has lost all it knew: its numbering begins again and paths have to be attached anew. */
  startAnew(peer: Peer, nowMs: number): void {
    // What is under way from the old run has numbers that mean nothing any more.
    this.#parts.sessions.removePeer(peer);
    this.#parts.delivery.release(peer, nowMs);
    peer.forgetOrder();
    for (const path of peer.paths) {
      if (path === undefined) continue;
      if (path.attachJson === null) this.removePath(peer, path.number, nowMs);
      else path.detach();
    }
    this.#parts.factory.renewSender(peer, nowMs);
  }

  /** The far end sends under new keys only when it has heard us use them. */
  showKeys(peer: Peer, nowMs: number): void {
    for (const path of peer.paths) {
      if (path?.attached === true) this.#parts.control.bondMtu(peer, path, peer.innerMtu, nowMs);
    }
  }

  addPath(peer: Peer, options: PathOptions, nowMs: number): void {
    if (peer.paths[options.pathNumber] !== undefined) this.removePath(peer, options.pathNumber, nowMs);
    const path = this.#parts.factory.createPath(peer, options, nowMs);
    peer.paths[options.pathNumber] = path;
    if (options.attachMessageId !== 0) this.#parts.control.attachAck(peer, path, options.attachMessageId, nowMs);
  }

  removePath(peer: Peer, pathNumber: number, nowMs: number): void {
    const path: Path | undefined = peer.paths[pathNumber];
    if (path === undefined) return;
    this.#parts.batch.flush(nowMs);
    peer.paths[pathNumber] = undefined;
    peer.bond.removeMember(pathNumber);
    peer.sender?.removePath(pathNumber, nowMs);
    peer.receiver.resequencer.setLivePaths(peer.usableMask(), nowMs);
  }
}
