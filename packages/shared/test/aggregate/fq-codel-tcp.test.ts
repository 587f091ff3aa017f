import { describe, expect, it } from "vitest";
import { Bbr, Cubic, TcpFlow, type TcpFrame } from "../../../../test/support/tcp-model.ts";
import { VirtualNetwork } from "../../../../test/support/virtual-network.ts";
import { DroppedSlots, FqCodel } from "../../src/aggregate/fq-codel.ts";
import { FrameTable } from "../../src/aggregate/frame-table.ts";

const SLOTS = 12_288;
const RATE_KBPS = 20_000;
const PROBE_FLOW = 99;

/** A line of 20 Mbit/s and 50 ms RTT behind the queue, which hands it a frame as soon as the one before has left. */
class QueuedLine {
  readonly network = new VirtualNetwork(1);
  readonly queue: FqCodel;
  readonly flows: TcpFlow[] = [];
  readonly receivedBytes: number[] = [];
  readonly probeDelaysMs: number[] = [];
  #mostWaitMs = 0;
  readonly #slots = new FrameTable(SLOTS);
  readonly #dropped = new DroppedSlots(SLOTS);
  readonly #free = Array.from({ length: SLOTS }, (_, slot) => slot);
  readonly #deliver: (() => void)[] = [];
  #isSending = false;

  constructor() {
    this.queue = new FqCodel(this.#slots, this.#dropped, { markCe: () => false });
    this.queue.setTarget(37.5, 150); // 0.75 x 50 ms, as the sender sets it
  }

  /** Longest wait in the queue since it was asked last. */
  takeMostWaitMs(): number {
    const most = this.#mostWaitMs;
    this.#mostWaitMs = 0;
    return most;
  }

  addTcp(flow: number, control: Cubic | Bbr): void {
    const tcp: TcpFlow = new TcpFlow(
      { control },
      {
        sendSegment: (segment) => this.send(flow, segment.sizeBytes, () => tcp.onFrame(segment, this.network.nowMs)),
        sendAck: (ack) => this.#after(25, ack, tcp),
      },
    );
    this.flows.push(tcp);
    this.network.add(tcp);
    tcp.sender.offer(Number.POSITIVE_INFINITY, this.network.nowMs);
  }

  addFlood(flow: number, rateKbps: number): void {
    this.network.every((1400 * 8) / rateKbps, () => this.send(flow, 1400, () => {}));
  }

  addProbe(): void {
    this.network.every(20, () => {
      const sentMs = this.network.nowMs;
      this.send(PROBE_FLOW, 128, () => this.probeDelaysMs.push(this.network.nowMs - sentMs - 25));
    });
  }

  send(flow: number, bytes: number, deliver: () => void): void {
    const slot = this.#free.pop() ?? -1;
    this.#deliver[slot] = () => {
      this.receivedBytes[flow] = (this.receivedBytes[flow] ?? 0) + bytes;
      deliver();
    };
    this.queue.enqueue(slot, flow, bytes, this.network.nowMs);
    this.#freeDropped();
    if (!this.#isSending) this.#sendNext();
  }

  #sendNext(): void {
    const slot = this.queue.dequeue(this.network.nowMs);
    this.#freeDropped();
    this.#isSending = slot >= 0;
    if (slot < 0) return;
    this.#mostWaitMs = Math.max(this.#mostWaitMs, this.network.nowMs - (this.#slots.enqueuedMs[slot] ?? 0));
    const deliver = this.#deliver[slot] ?? (() => {});
    this.#free.push(slot);
    const transmitMs = ((this.#slots.bytes[slot] ?? 0) * 8) / RATE_KBPS;
    this.network.after(transmitMs + 25, deliver);
    this.network.after(transmitMs, () => this.#sendNext());
  }

  #freeDropped(): void {
    for (let i = 0; i < this.#dropped.count; i++) this.#free.push(this.#dropped.slots[i] ?? -1);
    this.#dropped.count = 0;
  }

  #after(delayMs: number, frame: TcpFrame, flow: TcpFlow): void {
    this.network.after(delayMs, () => flow.onFrame(frame, this.network.nowMs));
  }
}

/** @returns shares of the line by flow, from 5 s to 30 s. */
function shares(line: QueuedLine): number[] {
  line.network.run(5_000);
  const before = [...line.receivedBytes];
  line.takeMostWaitMs();
  line.network.run(30_000);
  return line.receivedBytes.map((bytes, flow) => ((bytes - (before[flow] ?? 0)) * 8) / (25_000 * RATE_KBPS));
}

describe("the queue under TCP", () => {
  it.each([
    ["cubic", () => new Cubic()],
    ["BBR", () => new Bbr()],
  ])("keeps the line full and the wait of one %s connection near the target", (_name, makeControl) => {
    const line = new QueuedLine();
    line.addTcp(1, makeControl());
    expect(shares(line)[1]).toBeGreaterThan(0.95);
    expect(line.takeMostWaitMs()).toBeLessThan(120);
  });

  it("is no matter to a sparse flow beside it", () => {
    const line = new QueuedLine();
    for (let flow = 1; flow <= 4; flow++) line.addTcp(flow, new Cubic());
    line.addProbe();
    shares(line);
    expect(line.probeDelaysMs.length).toBeGreaterThan(1400);
    expect(Math.max(...line.probeDelaysMs)).toBeLessThan(6 * 0.6 + 0.1); // one frame of each flow, and the one being sent
  });

  it("gives a connection its share beside a flood that does not yield", () => {
    const line = new QueuedLine();
    line.addTcp(1, new Cubic());
    line.addFlood(2, 3 * RATE_KBPS);
    expect(shares(line)[1]).toBeGreaterThan(0.45);
    expect(line.queue.packets).toBeLessThanOrEqual(line.queue.packetLimit);
  });

  it("shares evenly between cubic, BBR and a flood", () => {
    const line = new QueuedLine();
    line.addTcp(1, new Cubic());
    line.addTcp(2, new Bbr());
    line.addFlood(3, RATE_KBPS);
    const [, cubic = 0, bbr = 0, flood = 0] = shares(line);
    for (const share of [cubic, bbr, flood]) expect(Math.abs(share - 1 / 3)).toBeLessThan(0.06);
  });
});
