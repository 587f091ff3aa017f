import { ParityMaker } from "../parity/index.ts";
import type { Path, Peer } from "../peer/index.ts";
import { parityFlags, TYPE_PARITY } from "../wire/index.ts";
import type { PacketPorts } from "./ports.ts";
import type { TransmitBatch } from "./transmit-batch.ts";

/** What the peer's sender is told. */
interface ParityCounts {
  /** @param delayMs what is lost may be made good this much later. */
  onParitySent(path: number, counter: number, bytes: number, delayMs: number, nowMs: number): void;
  /** No parity will cover what was sent before this counter and is not covered yet. */
  onParityForgone(path: number, counter: number): void;
  onParityEnd(path: number): void;
  parityEvent(path: number, isOn: boolean, lossRatio: number): void;
  /**
   * More is waiting than the lines carry, so that what parity takes is taken from frames; and that for long, so that the source
   * has found its rate and heeds no delay, or what this path loses is soon known to be lost: to send it again holds up little.
   */
  isBetterRepeated(path: number, lossRatio: number): boolean;
}

/** Reports of the far end tell of what parity has mended within this. */
const REPORT_MS = 2;

/**
 * Parity that comes later than this helps little: what was lost is known to be, and asked for again, a round trip after it was
 * sent. So a group that may not cost anything for so long is forgone.
 */
const MOST_AGE_RTT = 0.5;

/** Sends parity on those paths of a peer that lose datagrams singly, but for metered ones. */
export class ParitySender {
  /** When a group has to be closed. */
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #peer: Peer;
  readonly #ports: PacketPorts;
  readonly #batch: TransmitBatch;
  readonly #counts: ParityCounts;
  readonly #paths: Path[] = [];

  constructor(peer: Peer, ports: PacketPorts, batch: TransmitBatch, counts: ParityCounts) {
    this.#peer = peer;
    this.#ports = ports;
    this.#batch = batch;
    this.#counts = counts;
  }

  /** Call every 100 ms or so: lines become lossy, and cease to be. */
  choose(): void {
    for (const path of this.#peer.paths) {
      if (path === undefined || path.metered) continue;
      const { isLossy, lossRatio } = path.lossWatch;
      if (isLossy === (path.parityMaker !== undefined)) continue;
      if (isLossy) this.#start(path);
      else this.#stop(path);
      this.#counts.parityEvent(path.number, isLossy, lossRatio);
    }
  }

  /** The path is about to carry one more datagram. */
  beforeSend(path: Path, nowMs: number): void {
    const maker = path.parityMaker;
    if (maker === undefined) return;
    if (maker.isFull) this.#send(path, nowMs);
    else if (maker.isOlder(MOST_AGE_RTT * path.monitor.rtt.smoothedMs, nowMs)) {
      maker.forgo();
      this.#counts.onParityForgone(path.number, path.nextCounter);
    }
  }

  /** A batch is through, or the time has come: sends what is due. */
  flush(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const path of this.#paths) {
      if ((path.parityMaker?.dueMs ?? Number.POSITIVE_INFINITY) <= nowMs) this.#send(path, nowMs);
      nextMs = Math.min(nextMs, path.parityMaker?.dueMs ?? Number.POSITIVE_INFINITY);
    }
    this.nextDeadlineMs = nextMs;
  }

  forget(pathNumber: number): void {
    const path = this.#paths.find(({ number }) => number === pathNumber);
    if (path !== undefined) this.#stop(path);
  }

  close(): void {
    for (const path of [...this.#paths]) this.#stop(path);
  }

  #start(path: Path): void {
    path.parityMaker = new ParityMaker(this.#ports.pool);
    this.#paths.push(path);
  }

  #stop(path: Path): void {
    path.parityMaker = undefined;
    this.#paths.splice(this.#paths.indexOf(path), 1);
    this.#counts.onParityEnd(path.number);
  }

  #send(path: Path, nowMs: number): void {
    const maker = path.parityMaker;
    const epoch = this.#peer.sending;
    if (maker === undefined || epoch === undefined) return;
    if (this.#counts.isBetterRepeated(path.number, path.lossWatch.lossRatio)) {
      maker.skip();
      return;
    }
    const plain = this.#batch.borrow();
    if (plain < 0) return;
    const flags = parityFlags(Math.max(1, maker.span), maker.lengths);
    const bytes = maker.take(plain, nowMs);
    if (bytes === 0) return;
    const counter = path.nextCounter;
    this.#batch.add(path, epoch, TYPE_PARITY, plain, bytes, nowMs, flags);
    const delayMs = maker.delayMs + REPORT_MS;
    this.#counts.onParitySent(path.number, counter, bytes + path.datagramOverheadBytes, delayMs, nowMs);
  }
}
