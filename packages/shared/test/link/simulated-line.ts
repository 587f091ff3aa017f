import type { LinkMonitorConfig, LinkNumbers, LinkReason, LinkState } from "../../src/link/index.ts";
import { LINK_MONITOR_DEFAULTS, LinkMonitor } from "../../src/link/index.ts";

/** IPv4 and UDP, outer header, tag, message. */
const PROBE_BYTES = 28 + 16 + 16 + 7;
const REPLY_BYTES = 28 + 16 + 16 + 23;
const DATA_BYTES = 1400;

/** One direction of a line; everything may be changed while it runs. */
export class Direction {
  delayMs = 20;
  pdvMs = 0;
  rateKbps = 20_000;
  /** Longest queue; 1000 is the deep buffer of a 3G modem. */
  queueMs = 100;
  lossRatio = 0;
  blackhole = false;
  carriedBytes = 0;
  #freeMs = 0;

  /** @returns when a datagram given to the line now arrives; undefined when it is lost. */
  arrivalMs(sizeBytes: number, nowMs: number, random: () => number): number | undefined {
    const startMs = Math.max(nowMs, this.#freeMs);
    if (this.blackhole || startMs - nowMs > this.queueMs || random() < this.lossRatio) return undefined;
    this.carriedBytes += sizeBytes;
    this.#freeMs = startMs + (sizeBytes * 8) / this.rateKbps;
    return this.#freeMs + this.delayMs + this.pdvMs * random();
  }
}

/** A seeded generator (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Change {
  readonly atMs: number;
  readonly from: LinkState;
  readonly to: LinkState;
  readonly reason: LinkReason;
  readonly numbers: LinkNumbers;
}

/** One end of the path, with its monitor and its counter. */
class End {
  readonly changes: Change[] = [];
  readonly monitor: LinkMonitor;
  /** What the owner would know of the other members. */
  bestRttMs = 20;
  othersUsable = true;
  /** Data this end sends. */
  loadKbps = 0;
  probesSent = 0;
  counter = 0;
  loadAtMs = 0;

  constructor(config: LinkMonitorConfig, line: SimulatedLine) {
    const sink = {
      sendProbe: (probeId: number) => {
        this.probesSent++;
        line.send(this, PROBE_BYTES, false, (to) => line.reply(to, probeId));
      },
      stateChanged: (from: LinkState, to: LinkState, reason: LinkReason, numbers: LinkNumbers) =>
        this.changes.push({ atMs: line.nowMs, from, to, reason, numbers }),
    };
    this.monitor = new LinkMonitor(config, sink, line.nowMs);
  }

  get log(): string[] {
    return this.changes.map(({ atMs, from, to, reason }) => `${Math.round(atMs)} ${from} -> ${to}: ${reason}`);
  }

  /** The first change to a state at or after a time. */
  changeTo(to: LinkState, afterMs: number): Change {
    const found = this.changes.find((change) => change.atMs >= afterMs && change.to === to);
    if (found === undefined) throw new Error(`never ${to} after ${afterMs}: ${this.log.join(", ")}`);
    return found;
  }
}

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

/** A path between two ends, in virtual time: two monitors that probe each other over two directions. */
export class SimulatedLine {
  nowMs = 1000;
  readonly there = new Direction();
  readonly back = new Direction();
  readonly near: End;
  readonly far: End;
  /** Sorted by time, earliest last. */
  readonly #events: Event[] = [];
  readonly #random: () => number;

  constructor(config: Partial<LinkMonitorConfig>, seed: number) {
    this.#random = seeded(seed);
    this.near = new End({ ...LINK_MONITOR_DEFAULTS, ...config }, this);
    this.far = new End({ ...LINK_MONITOR_DEFAULTS, ...config }, this);
  }

  both(change: Partial<Direction>): void {
    Object.assign(this.there, change);
    Object.assign(this.back, change);
  }

  send(from: End, sizeBytes: number, isData: boolean, arrived: (to: End) => void): void {
    const direction = from === this.near ? this.there : this.back;
    const to = from === this.near ? this.far : this.near;
    const counter = from.counter++;
    const sendTime24 = (this.nowMs * 250) & 0xffffff;
    from.monitor.onSent(sizeBytes, isData, this.nowMs);
    const atMs = direction.arrivalMs(sizeBytes, this.nowMs, this.#random);
    if (atMs === undefined) return;
    this.#at(atMs, () => {
      to.monitor.onReceived(counter, sizeBytes, this.nowMs);
      if (isData) to.monitor.onDataTime(sendTime24, this.nowMs);
      arrived(to);
    });
  }

  reply(from: End, probeId: number): void {
    const { receivedCount, highestCounter } = from.monitor;
    this.send(from, REPLY_BYTES, false, (to) =>
      to.monitor.onProbeReply(probeId, 0, receivedCount, highestCounter, this.nowMs),
    );
  }

  run(untilMs: number): void {
    while (true) {
      const event = this.#events.at(-1);
      const nextMs = Math.min(event?.atMs ?? Number.POSITIVE_INFINITY, this.#dueMs(this.near), this.#dueMs(this.far));
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (event !== undefined && event.atMs <= this.nowMs) this.#events.pop()?.run();
      for (const end of [this.near, this.far]) this.#serve(end);
    }
    this.nowMs = untilMs;
  }

  #dueMs(end: End): number {
    return Math.min(end.monitor.nextDeadlineMs, end.loadKbps > 0 ? end.loadAtMs : Number.POSITIVE_INFINITY);
  }

  #serve(end: End): void {
    if (end.monitor.nextDeadlineMs <= this.nowMs) end.monitor.onTimer(this.nowMs, end.bestRttMs, end.othersUsable);
    if (end.loadKbps === 0 || end.loadAtMs > this.nowMs) return;
    // Not quite regular, so that it does not keep step with the line's own rhythm.
    end.loadAtMs = this.nowMs + ((DATA_BYTES * 8) / end.loadKbps) * (0.5 + this.#random());
    // A bond sends only over members that are up, as much as their share.
    if (end.monitor.usable && this.#random() < end.monitor.share) this.send(end, DATA_BYTES, true, () => {});
  }

  #at(atMs: number, run: () => void): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { atMs, run });
  }
}
