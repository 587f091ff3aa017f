import type { SenderHistory } from "../../packages/shared/src/peer/index.ts";
import {
  Forwarder,
  type ForwarderCommand,
  type ForwarderEvent,
  type ForwarderOptions,
  type ForwarderSnapshot,
} from "../../packages/shared/src/pipeline/index.ts";
import { randomInteger } from "./random.ts";
import { SimPorts } from "./sim-ports.ts";
import type { Machine, VirtualNetwork } from "./virtual-network.ts";

/** From the wish of one thread to the deed of the other. */
const BETWEEN_THREADS_MS = 0.3;
/** From a packet's arrival to the packet loop: what comes in between is one batch. */
const WAKE_UP_MS = 0.2;
/** The virtual wall clock at time 0. */
const WALL_START_MS = 1_700_000_000_000;
const TAP = 1;
const TAP_MAC = Uint8Array.of(0x02, 0, 0, 0, 0, 0x10);
const FAR_MAC = Uint8Array.of(0x02, 0, 0, 0, 0, 0x20);

export type SimEndOptions = Pick<ForwarderOptions, "role" | "mode" | "clientToClient">;

/** An event as the end's main thread got it. */
export type SimEvent = ForwarderEvent & { readonly atMs: number };

/** A program of either side in virtual time: the packet loop on simulated ports, and the wire between it and its main thread. */
export abstract class SimEnd implements Machine {
  readonly name: string;
  readonly ports: SimPorts;
  /** Events of interest in the order they came; handshakes, snapshots and the like are left out. */
  readonly log: SimEvent[] = [];
  protected readonly network: VirtualNetwork;
  readonly #forwarder: Forwarder;
  #running = true;
  #wakeMs = Number.POSITIVE_INFINITY;
  #snapshot: ForwarderSnapshot | undefined;
  #history: SenderHistory | undefined;

  /** @param onFrame gets frames written to this end's TAP, its own only until it returns. */
  constructor(name: string, network: VirtualNetwork, options: SimEndOptions, onFrame: (frame: Uint8Array) => void) {
    this.name = name;
    this.network = network;
    this.ports = new SimPorts(network, onFrame);
    const needs = {
      wallNowMs: () => WALL_START_MS + network.nowMs,
      token: () => randomInteger(network.random, 2 ** 32),
      version: [1, 2, 3],
    } as const;
    const fixed = { needs, tap: TAP, tapMac: TAP_MAC, farMac: FAR_MAC, random: network.random };
    this.#forwarder = new Forwarder(this.ports, { ...options, ...fixed }, (event) => this.#emit(event));
  }

  get running(): boolean {
    return this.#running;
  }

  get nextDeadlineMs(): number {
    return this.#running
      ? Math.min(this.#wakeMs, this.#forwarder.nextDeadlineMs, this.mainDeadlineMs)
      : Number.POSITIVE_INFINITY;
  }

  /** One turn of the packet loop, in the order of its thread. */
  onTimer(nowMs: number): void {
    if (nowMs >= this.#wakeMs) {
      this.#wakeMs = Number.POSITIVE_INFINITY;
      if (this.ports.tapInbox.length > 0) this.#forwarder.onTapReadable();
      for (const socket of [...this.#forwarder.sockets]) {
        if (this.#isReadable(socket)) this.#forwarder.onSocketReadable(socket);
      }
      if (this.ports.tapInbox.length > 0 || this.#forwarder.sockets.some((socket) => this.#isReadable(socket))) {
        this.wake();
      }
    }
    this.#forwarder.onTimer(nowMs);
    if (nowMs >= this.mainDeadlineMs) this.onMainTimer(nowMs);
  }

  /** Frames from this end's TAP. */
  inject(...frames: readonly Uint8Array[]): void {
    if (!this.#running) return;
    this.ports.tapInbox.push(...frames);
    this.wake();
  }

  /** Something is readable. */
  wake(): void {
    this.#wakeMs = Math.min(this.#wakeMs, this.network.nowMs + WAKE_UP_MS);
  }

  snapshot(): ForwarderSnapshot {
    this.#forwarder.onCommand({ type: "snapshot", id: 1 }, this.network.nowMs);
    if (this.#snapshot === undefined) throw new Error("no snapshot");
    return this.#snapshot;
  }

  /** What the sender of a peer remembers of a path. */
  history(peerId: number, pathNumber: number): SenderHistory {
    this.#forwarder.onCommand({ type: "history", id: 1, peerId, pathNumber }, this.network.nowMs);
    if (this.#history === undefined) throw new Error("no history");
    return this.#history;
  }

  /** Drops that are not zero. */
  drops(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.snapshot().drops).filter(([, count]) => count > 0));
  }

  /** The process is gone from now on, without a word to anybody. */
  kill(): void {
    this.#running = false;
  }

  /** To the packet loop, in order. */
  tell(command: ForwarderCommand): void {
    this.network.after(BETWEEN_THREADS_MS, () => {
      if (this.#running) this.#forwarder.onCommand(command, this.network.nowMs);
    });
  }

  /** Repeatable bytes. */
  protected readonly randomBytes = (size: number): Uint8Array =>
    Uint8Array.from({ length: size }, () => randomInteger(this.network.random, 256));

  protected abstract get mainDeadlineMs(): number;
  protected abstract onMainTimer(nowMs: number): void;
  /** In the main thread. */
  protected abstract onEvent(event: ForwarderEvent): void;

  #emit(event: ForwarderEvent): void {
    if (event.type === "snapshot") {
      this.#snapshot = event.snapshot;
      return;
    }
    if (event.type === "history") {
      this.#history = event.history;
      return;
    }
    this.network.after(BETWEEN_THREADS_MS, () => {
      if (!this.#running) return;
      if (event.type !== "handshakes" && event.type !== "epoch-forgotten") {
        this.log.push({ ...event, atMs: this.network.nowMs });
      }
      this.onEvent(event);
    });
  }

  #isReadable(socket: number): boolean {
    return (this.ports.sockets.get(socket)?.inbox.length ?? 0) > 0;
  }
}
