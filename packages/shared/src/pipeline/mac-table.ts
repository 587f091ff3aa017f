/** Where a MAC address is: the id of a peer, or this for the bridge behind our own TAP. */
export const LOCAL_PORT = -1;
export const UNKNOWN_PORT = -2;

/** As the Linux bridge: an address not heard for this long is forgotten (IEEE 802.1D, ageing time). */
const AGEING_MS = 300_000;
/**
 * An address heard on one port within this time is not believed on another. A host that really moves is silent for
 * longer; a frame that came round a loop, or a client that claims a neighbour's address, is not.
 */
const MOVE_HOLD_MS = 2_000;
/** Addresses remembered in all, and of one peer, so that none can use up all; beyond, new ones stay unknown and are flooded. */
const MAX_ADDRESSES = 8192;
const MAX_OF_PEER = 1024;
/** A full table is searched for old addresses no more often than this. */
const SWEEP_MS = 1_000;

interface Station {
  port: number;
  heardMs: number;
}

/** The learning table of the small bridge between a concentrator's TAP and its bridged clients. */
export class MacTable {
  readonly #stations = new Map<number, Station>();
  /** Addresses by port. */
  readonly #counts = new Map<number, number>();
  #sweptMs = Number.NEGATIVE_INFINITY;

  /** @param address 48 bits of a unicast MAC address. @returns false when the address is held by another port just now. */
  learn(address: number, port: number, nowMs: number): boolean {
    const station = this.#stations.get(address);
    if (station === undefined) {
      if (this.#hasRoom(port, nowMs)) {
        this.#stations.set(address, { port, heardMs: nowMs });
        this.#count(port, 1);
      }
      return true;
    }
    if (station.port !== port) {
      if (nowMs - station.heardMs < MOVE_HOLD_MS) return false;
      this.#count(station.port, -1);
      this.#count(port, 1);
      station.port = port;
    }
    station.heardMs = nowMs;
    return true;
  }

  find(address: number, nowMs: number): number {
    const station = this.#stations.get(address);
    return station === undefined || nowMs - station.heardMs > AGEING_MS ? UNKNOWN_PORT : station.port;
  }

  forgetPort(port: number): void {
    for (const [address, station] of this.#stations) if (station.port === port) this.#stations.delete(address);
    this.#counts.delete(port);
  }

  #hasRoom(port: number, nowMs: number): boolean {
    if (!this.#isFull(port)) return true;
    if (nowMs - this.#sweptMs < SWEEP_MS) return false;
    this.#sweptMs = nowMs;
    for (const [address, station] of this.#stations) {
      if (nowMs - station.heardMs <= AGEING_MS) continue;
      this.#stations.delete(address);
      this.#count(station.port, -1);
    }
    return !this.#isFull(port);
  }

  #isFull(port: number): boolean {
    const ofPort = this.#counts.get(port) ?? 0;
    return this.#stations.size >= MAX_ADDRESSES || (port !== LOCAL_PORT && ofPort >= MAX_OF_PEER);
  }

  #count(port: number, change: number): void {
    this.#counts.set(port, (this.#counts.get(port) ?? 0) + change);
  }
}
