import { AggregateSender } from "../../packages/shared/src/aggregate/aggregate-sender.ts";
import type { AggregateEvent, AggregateSink } from "../../packages/shared/src/aggregate/aggregate-sink.ts";
import { FeedbackRecorder } from "../../packages/shared/src/aggregate/feedback-recorder.ts";
import { DroppedSlots, FqCodel } from "../../packages/shared/src/aggregate/fq-codel.ts";
import { FrameTable } from "../../packages/shared/src/aggregate/frame-table.ts";
import type { PathController } from "../../packages/shared/src/aggregate/path-controller.ts";
import { RedundancyBudget } from "../../packages/shared/src/aggregate/redundancy-budget.ts";
import { VirtualQueueController } from "../../packages/shared/src/aggregate/virtual-queue-controller.ts";
import { ControlReader, type ControlSink, ControlWriter } from "../../packages/shared/src/wire/index.ts";
import { type LineSettings, type VirtualLine, VirtualNetwork } from "../support/virtual-network.ts";

const SLOTS = 12_288;
const FRAME_BYTES = 1_500;
const PROBE_BYTES = 168;
const GREEDY_FLOW = 7;
const PROBE_FLOW = 9;
/** The monitors of both ends need this long to see that a path is dead, and that it is back. */
const MONITOR_MS = 450;
const OTHER_DIRECTION_MS = 10;

export interface BondLine {
  readonly forward: Partial<LineSettings>;
  /** Left out: as forward, 100 Mbit/s, nothing lost. */
  readonly back?: Partial<LineSettings>;
  readonly metered?: boolean;
}

interface Datagram {
  readonly path: number;
  readonly counter: number;
  readonly bytes: number;
  /** -1: control. */
  readonly sendTime: number;
  /** Number of the frame, -1: none. */
  readonly frame: number;
}

/** A sender with its lines, and a far end that reports and counts. One direction; the other one carries feedback. */
export class AggregateBond implements AggregateSink {
  readonly network: VirtualNetwork;
  readonly sender: AggregateSender;
  readonly recorder = new FeedbackRecorder();
  readonly queue: FqCodel;
  readonly forward: VirtualLine<Datagram>[] = [];
  readonly back: VirtualLine<Uint8Array>[] = [];
  readonly events: { atMs: number; event: AggregateEvent }[] = [];
  readonly released: Record<string, number> = {};
  /** Unique bytes of frames that arrived, and in each 100 ms. */
  deliveredBytes = 0;
  readonly deliveredBy100Ms: number[] = [];
  copiesBytes = 0;
  duplicateFrames = 0;
  readonly probeDelaysMs: number[] = [];
  readonly probeArrivalsMs: number[] = [];
  probesSent = 0;
  backlogMs = 40;
  /** Whether the source keeps the queue filled. */
  greedy = false;
  readonly #frames = new FrameTable(SLOTS);
  readonly #free: number[] = [];
  readonly #frameOf = new Int32Array(SLOTS).fill(-1);
  readonly #counters: number[];
  readonly #sentMs: number[] = [];
  readonly #isProbe: boolean[] = [];
  readonly #arrived = new Set<number>();
  readonly #lines: readonly BondLine[];
  readonly #speedsKbps: readonly (number | null)[];
  readonly #usable: boolean[];
  readonly #heardMs: number[] = [];
  readonly #pool = new Uint8Array(2_000);
  readonly #writer = new ControlWriter(this.#pool);
  #turn = 0;

  /** @param speedsKbps typed limits, by path. */
  constructor(
    lines: readonly BondLine[],
    seed: number,
    createController?: () => PathController,
    speedsKbps: readonly (number | null)[] = [],
  ) {
    this.#speedsKbps = speedsKbps;
    this.network = new VirtualNetwork(seed);
    this.#lines = lines;
    this.#counters = lines.map(() => 0);
    this.#usable = lines.map(() => true);
    for (let slot = SLOTS - 1; slot >= 0; slot--) this.#free.push(slot);
    const dropped = new DroppedSlots(SLOTS);
    this.queue = new FqCodel(this.#frames, dropped, { markCe: () => false });
    this.sender = new AggregateSender({
      sink: this,
      frames: this.#frames,
      queue: this.queue,
      dropped,
      budget: new RedundancyBudget(),
      createController: createController ?? (() => new VirtualQueueController()),
      keptLimitBytes: 16_000_000,
    });
    for (const [path, line] of lines.entries()) this.#addLine(line, path);
    this.network.add({
      get nextDeadlineMs() {
        return deadline();
      },
      onTimer: (nowMs) => this.#onTimer(nowMs),
    });
    const deadline = () => Math.min(this.sender.nextDeadlineMs, this.recorder.dueMs);
    this.network.every(1, () => this.#refill());
    this.network.every(OTHER_DIRECTION_MS, () => this.#hear());
  }

  // ---- traffic

  startGreedy(): void {
    this.greedy = true;
  }

  /** A call: 200 packets a second. */
  startProbes(untilMs: number): void {
    this.network.every(
      5,
      () => {
        this.probesSent++;
        this.#enqueue(PROBE_BYTES, PROBE_FLOW, true);
        this.sender.pump(this.network.nowMs);
      },
      untilMs,
    );
  }

  run(untilMs: number): void {
    this.network.run(untilMs);
  }

  /** Both directions of a line die, and the monitors of both ends see it. */
  blackhole(path: number, dead: boolean): void {
    for (const line of [this.forward[path], this.back[path]]) if (line !== undefined) line.settings.blackholed = dead;
    this.network.after(MONITOR_MS, () => {
      if (this.forward[path]?.settings.blackholed !== dead) return;
      this.#usable[path] = !dead;
      this.sender.setUsable(path, !dead, this.network.nowMs);
    });
  }

  /** Share of what the lines offered between two times. */
  shareOf(kbps: number, fromMs: number, toMs: number): number {
    let bytes = 0;
    for (let i = Math.floor(fromMs / 100); i < Math.floor(toMs / 100); i++) bytes += this.deliveredBy100Ms[i] ?? 0;
    return (bytes * 8) / (kbps * (toMs - fromMs));
  }

  // ---- what the sender asks for

  transmit(slot: number, path: number, kind: "first" | "retransmission" | "duplicate", nowMs: number): number {
    const frame = this.#frameOf[slot] ?? -1;
    const bytes = this.#frames.bytes[slot] ?? 0;
    if (kind !== "first") this.copiesBytes += bytes;
    return this.#send(path, bytes, frame, nowMs);
  }

  pad(path: number, nowMs: number): boolean {
    const counter = this.#send(path, FRAME_BYTES, -1, nowMs);
    this.sender.onControlSent(path, counter, FRAME_BYTES, nowMs);
    return true;
  }

  heardMs(path: number): number {
    return this.#heardMs[path] ?? Number.NEGATIVE_INFINITY;
  }

  release(slot: number, drop: string | null): void {
    const reason = drop ?? "done";
    this.released[reason] = (this.released[reason] ?? 0) + 1;
    if (this.#frameOf[slot] === -1) throw new Error(`slot ${slot} was given back twice`);
    this.#frameOf[slot] = -1;
    this.#free.push(slot);
  }

  event(event: AggregateEvent, nowMs: number): void {
    this.events.push({ atMs: nowMs, event });
  }

  get freeSlots(): number {
    return this.#free.length;
  }

  #addLine(line: BondLine, path: number): void {
    const back = line.back ?? { delayMs: line.forward.delayMs ?? 0, rateKbps: 100_000 };
    this.forward.push(this.network.line<Datagram>(line.forward, (datagram, nowMs) => this.#onArrival(datagram, nowMs)));
    this.back.push(this.network.line<Uint8Array>(back, (bytes, nowMs) => this.#onFeedback(bytes, nowMs)));
    this.sender.addPath(path, { metered: line.metered ?? false, speedKbps: this.#speedsKbps[path] ?? null }, 0);
    this.sender.setUsable(path, true, 0);
  }

  #send(path: number, bytes: number, frame: number, nowMs: number): number {
    const counter = this.#counters[path] ?? 0;
    this.#counters[path] = counter + 1;
    const sendTime = frame < 0 ? -1 : Math.floor(nowMs * 250) % 0x1000000;
    this.forward[path]?.send({ path, counter, bytes, sendTime, frame }, bytes, nowMs);
    return counter;
  }

  /** There is traffic in the other direction, too, on every line that is not dead. */
  #hear(): void {
    for (const [path, { settings }] of this.back.entries()) {
      if (!settings.blackholed) this.#heardMs[path] = this.network.nowMs;
    }
  }

  #refill(): void {
    if (!this.greedy) return;
    const wanted = Math.max(20_000, this.backlogMs * this.sender.rateBytesPerMs);
    while (this.queue.bytes < wanted && this.#free.length > 0) this.#enqueue(FRAME_BYTES, GREEDY_FLOW, false);
    this.sender.pump(this.network.nowMs);
  }

  #enqueue(bytes: number, flow: number, isRealtime: boolean): void {
    const slot = this.#free.pop();
    if (slot === undefined) return;
    this.#frameOf[slot] = this.#sentMs.length;
    this.#sentMs.push(this.network.nowMs);
    this.#isProbe.push(isRealtime);
    this.sender.enqueue(slot, flow, bytes, isRealtime, false, this.network.nowMs);
  }

  #onArrival({ path, counter, bytes, sendTime, frame }: Datagram, nowMs: number): void {
    this.recorder.onReceived(path, counter, bytes, sendTime, nowMs);
    if (frame >= 0) this.#onFrame(frame, bytes, nowMs);
    if (this.recorder.dueMs <= nowMs) this.#report(nowMs);
  }

  #onFrame(frame: number, bytes: number, nowMs: number): void {
    if (this.#arrived.has(frame)) {
      this.duplicateFrames++;
      return;
    }
    this.#arrived.add(frame);
    if (this.#isProbe[frame] === true) {
      this.probeDelaysMs.push(nowMs - (this.#sentMs[frame] ?? 0));
      this.probeArrivalsMs.push(nowMs);
      return;
    }
    this.deliveredBytes += bytes;
    const at = Math.floor(nowMs / 100);
    this.deliveredBy100Ms[at] = (this.deliveredBy100Ms[at] ?? 0) + bytes;
  }

  /** The far end's feedback goes by the two best usable return paths in turn. */
  #report(nowMs: number): void {
    const paths = this.#lines.map((_line, path) => path).filter((path) => this.#usable[path]);
    paths.sort((a, b) => (this.back[a]?.settings.delayMs ?? 0) - (this.back[b]?.settings.delayMs ?? 0));
    const delayMs = (at: number) => this.back[paths[at] ?? -1]?.settings.delayMs ?? Number.POSITIVE_INFINITY;
    const path = paths[delayMs(1) <= delayMs(0) + 30 ? this.#turn++ % 2 : 0] ?? 0;
    this.#writer.begin(0, 1_200);
    if (!this.recorder.write(this.#writer, nowMs)) return;
    const bytes = this.#pool.slice(0, this.#writer.lengthBytes);
    this.back[path]?.send(bytes, bytes.length + 60, nowMs);
  }

  #onFeedback(bytes: Uint8Array, nowMs: number): void {
    const sink = { onFeedback: (feedback) => this.sender.onFeedback(feedback, nowMs) } as Partial<ControlSink>;
    new ControlReader(bytes).read(0, bytes.length, sink as ControlSink);
  }

  #onTimer(nowMs: number): void {
    if (this.recorder.dueMs <= nowMs) this.#report(nowMs);
    if (this.sender.nextDeadlineMs <= nowMs) this.sender.onTimer(nowMs);
  }
}
