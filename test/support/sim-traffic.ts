import { quantile } from "./statistics.ts";

const ETHERNET_BYTES = 14;
const HEADER_BYTES = ETHERNET_BYTES + 20 + 8;
/** Marks our payloads; flow and sequence follow, then bytes that follow from the sequence. */
const MAGIC = 0x57424e44;
const MARK_BYTES = 12;
const SMALLEST_BYTES = HEADER_BYTES + MARK_BYTES;

/** Bytes that fill a payload, by the low byte of its sequence. */
const FILLERS = Array.from({ length: 256 }, (_, seed) =>
  Uint8Array.from({ length: 2048 }, (_, at) => (seed * 31 + at * 7) & 0xff),
);

export interface FlowOptions {
  /** Last bytes of 10.8.0.x within the tunnel, or any address as text. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sourceMac?: readonly number[];
  readonly destinationMac?: readonly number[];
  /** Whole Ethernet frame. */
  readonly frameBytes?: number;
}

/** What became of the frames of a flow. */
export interface FlowReport {
  readonly sent: number;
  readonly delivered: number;
  /** Of delivered ones that came after a later one of the flow. */
  readonly reordered: number;
  readonly duplicates: number;
  readonly corrupted: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** A UDP flow whose every frame is known by its number when it comes out at the other end. */
export class SimFlow {
  readonly #template: Uint8Array;
  readonly #fillBytes: number;
  readonly #sentAtMs: number[] = [];
  readonly #arrivedAtMs: number[] = [];
  readonly #delaysMs: number[] = [];
  #newest = -1;
  #reordered = 0;
  #duplicates = 0;
  #corrupted = 0;
  /** Names of the ends that a frame came out of, with how many. */
  readonly arrivals = new Map<string, number>();

  constructor(number: number, options: FlowOptions) {
    const frameBytes = Math.max(SMALLEST_BYTES, options.frameBytes ?? 200);
    this.#fillBytes = frameBytes - SMALLEST_BYTES;
    this.#template = udpFrame(number, frameBytes, options);
  }

  get sent(): number {
    return this.#sentAtMs.length;
  }

  get delivered(): number {
    return this.#delaysMs.length;
  }

  /** The next frame, to be given to a TAP. */
  next(nowMs: number): Uint8Array {
    const sequence = this.#sentAtMs.length;
    this.#sentAtMs.push(nowMs);
    const frame = this.#template.slice();
    new DataView(frame.buffer).setUint32(HEADER_BYTES + 8, sequence);
    frame.set(this.#filler(sequence), SMALLEST_BYTES);
    return frame;
  }

  onArrival(frame: Uint8Array, end: string, nowMs: number): void {
    const sequence = u32(frame, HEADER_BYTES + 8);
    this.arrivals.set(end, (this.arrivals.get(end) ?? 0) + 1);
    if (this.#arrivedAtMs[sequence] !== undefined) {
      this.#duplicates++;
      return;
    }
    this.#arrivedAtMs[sequence] = nowMs;
    this.#delaysMs.push(nowMs - (this.#sentAtMs[sequence] ?? Number.NaN));
    if (sequence < this.#newest) this.#reordered++;
    else this.#newest = sequence;
    const intact = Buffer.compare(frame.subarray(SMALLEST_BYTES), this.#filler(sequence)) === 0;
    if (!intact) this.#corrupted++;
  }

  report(): FlowReport {
    return SimFlow.reportOf([this]);
  }

  /** Of several flows together. */
  static reportOf(flows: readonly SimFlow[]): FlowReport {
    const sorted = Float64Array.from(flows.flatMap((flow) => flow.#delaysMs)).sort();
    const sum = (pick: (flow: SimFlow) => number) => flows.reduce((total, flow) => total + pick(flow), 0);
    return {
      sent: sum(({ sent }) => sent),
      delivered: sum(({ delivered }) => delivered),
      reordered: sum((flow) => flow.#reordered),
      duplicates: sum((flow) => flow.#duplicates),
      corrupted: sum((flow) => flow.#corrupted),
      p50Ms: quantile(Array.from(sorted), 0.5),
      p99Ms: quantile(Array.from(sorted), 0.99),
    };
  }

  /** Frames sent in [fromMs, untilMs) that never came out. */
  lostBetween(fromMs: number, untilMs: number): number {
    return this.#sentAtMs.filter(
      (sentMs, sequence) => sentMs >= fromMs && sentMs < untilMs && this.#arrivedAtMs[sequence] === undefined,
    ).length;
  }

  /** When the first frame sent at or after a time arrived; Infinity: none did. */
  firstArrivalAfter(sentMs: number): number {
    return this.#arrivedAtMs.reduce(
      (first, atMs, sequence) => ((this.#sentAtMs[sequence] ?? 0) >= sentMs ? Math.min(first, atMs) : first),
      Number.POSITIVE_INFINITY,
    );
  }

  /** Longest time without an arrival, among arrivals in [fromMs, untilMs). */
  longestGapMs(fromMs: number, untilMs: number): number {
    const times = this.#arrivedAtMs.filter((atMs) => atMs >= fromMs && atMs < untilMs).sort((a, b) => a - b);
    return times.reduce((longest, atMs, i) => Math.max(longest, atMs - (times[i - 1] ?? fromMs)), 0);
  }

  /** Longest way of frames sent in [fromMs, untilMs). */
  slowestMs(fromMs: number, untilMs: number): number {
    return this.#arrivedAtMs.reduce((slowest, atMs, sequence) => {
      const sentMs = this.#sentAtMs[sequence] ?? 0;
      return sentMs >= fromMs && sentMs < untilMs ? Math.max(slowest, atMs - sentMs) : slowest;
    }, 0);
  }

  /** Sequence and time of every arrival, to compare runs. */
  get trace(): readonly number[] {
    return this.#arrivedAtMs;
  }

  #filler(sequence: number): Uint8Array {
    return (FILLERS[sequence & 0xff] as Uint8Array).subarray(0, this.#fillBytes);
  }
}

/** @returns number of the flow a frame belongs to, or -1. */
export function flowNumberOf(frame: Uint8Array): number {
  if (frame.length < SMALLEST_BYTES || u32(frame, HEADER_BYTES) !== MAGIC) return -1;
  return u32(frame, HEADER_BYTES + 4);
}

/** An IPv4 packet from one address to another without anything inside, in an Ethernet frame. */
export function ipv4Frame(source: string, destination: string, protocol: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ETHERNET_BYTES + 20 + payload.length);
  const view = new DataView(frame.buffer);
  frame.set([2, 0, 0, 0, 0, 0x20, 2, 0, 0, 0, 0, 0x10, 8, 0]);
  frame.set([0x45, 0], ETHERNET_BYTES);
  view.setUint16(ETHERNET_BYTES + 2, 20 + payload.length);
  frame.set([64, protocol], ETHERNET_BYTES + 8);
  frame.set(source.split(".").map(Number), ETHERNET_BYTES + 12);
  frame.set(destination.split(".").map(Number), ETHERNET_BYTES + 16);
  frame.set(payload, ETHERNET_BYTES + 20);
  return frame;
}

function udpFrame(number: number, frameBytes: number, options: FlowOptions): Uint8Array {
  const udp = new Uint8Array(frameBytes - ETHERNET_BYTES - 20);
  const view = new DataView(udp.buffer);
  view.setUint16(0, options.sourcePort ?? 5000 + number);
  view.setUint16(2, options.destinationPort ?? 443);
  view.setUint16(4, udp.length);
  view.setUint32(8, MAGIC);
  view.setUint32(12, number);
  const frame = ipv4Frame(options.source, options.destination, 17, udp);
  if (options.destinationMac !== undefined) frame.set(options.destinationMac, 0);
  if (options.sourceMac !== undefined) frame.set(options.sourceMac, 6);
  return frame;
}

function u32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}
