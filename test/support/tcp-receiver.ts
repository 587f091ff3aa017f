import { HEADER_BYTES, OPENING, type SegmentRange, type TcpAck, type TcpSegment } from "./tcp-types.ts";

const DELAYED_ACK_MS = 40;
/** Acknowledged one by one at the start, and after a duplicate. */
const QUICK_ACKS = 16;
/** Acknowledgements that only carry news of a gap are collected for so long, after the first three (tcp_comp_sack_*). */
const COMPRESSED_ACK_MS = 1;
const COMPRESSED_ACKS = 44;
const SACK_BLOCKS = 3;

export interface TcpReceiverSink {
  send(ack: TcpAck, nowMs: number): void;
}

/**
 * The receiving end of the TCP model: acknowledges every second segment, gaps at once with SACK and DSACK, echoes time
 * stamps (RFC 7323). The application reads at once. Without GRO: each segment comes for itself.
 */
export class TcpReceiver {
  /** Delivered in order. */
  receivedSegments = 0;
  receivedBytes = 0;
  duplicateSegments = 0;
  acksSent = 0;
  nextDeadlineMs = Number.POSITIVE_INFINITY;
  readonly #windowSegments: number;
  readonly #sink: TcpReceiverSink;
  /** Segments behind a gap: sorted, apart from each other; `touched` tells the newest. */
  readonly #ranges: { from: number; to: number; touched: number }[] = [];
  readonly #earlyBytes = new Map<number, number>();
  #touches = 0;
  #next = 0;
  #echoMs = Number.NEGATIVE_INFINITY;
  #unacked = 0;
  #quickAcks = QUICK_ACKS;
  #gapAcks = 0;
  #compressed = 0;
  #duplicate: SegmentRange | undefined;

  constructor(windowSegments: number, sink: TcpReceiverSink) {
    this.#windowSegments = windowSegments;
    this.#sink = sink;
  }

  onSegment(segment: TcpSegment, nowMs: number): void {
    const { sequence } = segment;
    if (sequence === OPENING) {
      this.#acknowledge(nowMs);
      return;
    }
    if (sequence <= this.#next - this.#unacked) this.#echoMs = Math.max(this.#echoMs, segment.sentMs);
    const filled = this.#ranges.length > 0;
    if (sequence < this.#next || this.#earlyBytes.has(sequence)) this.#onDuplicate(sequence, nowMs);
    else if (sequence > this.#next) this.#onEarly(segment, nowMs);
    else {
      this.#deliver(segment.payloadBytes);
      this.#deliverEarly();
      if (filled && this.#ranges.length > 0) this.#acknowledgeGap(nowMs);
      else this.#acknowledgeInOrder(filled, nowMs);
    }
  }

  onTimer(nowMs: number): void {
    if (nowMs >= this.nextDeadlineMs) this.#acknowledge(nowMs);
  }

  #acknowledgeInOrder(isNow: boolean, nowMs: number): void {
    this.#gapAcks = 0;
    if (isNow || this.#unacked >= 2 || this.#quickAcks > 0) {
      if (this.#quickAcks > 0) this.#quickAcks--;
      this.#acknowledge(nowMs);
    } else this.nextDeadlineMs = Math.min(this.nextDeadlineMs, nowMs + DELAYED_ACK_MS);
  }

  #acknowledgeGap(nowMs: number): void {
    if (this.#gapAcks++ < 3 || ++this.#compressed >= COMPRESSED_ACKS) this.#acknowledge(nowMs);
    else this.nextDeadlineMs = Math.min(this.nextDeadlineMs, nowMs + COMPRESSED_ACK_MS);
  }

  #onDuplicate(sequence: number, nowMs: number): void {
    this.duplicateSegments++;
    this.#quickAcks = QUICK_ACKS;
    this.#duplicate = [sequence, sequence + 1];
    this.#acknowledge(nowMs);
  }

  #onEarly(segment: TcpSegment, nowMs: number): void {
    if (segment.sequence >= this.#next + this.#windowSegments) return;
    this.#earlyBytes.set(segment.sequence, segment.payloadBytes);
    this.#addToRanges(segment.sequence);
    this.#acknowledgeGap(nowMs);
  }

  #addToRanges(sequence: number): void {
    const ranges = this.#ranges;
    let at = ranges.length;
    while (at > 0 && (ranges[at - 1]?.from ?? 0) > sequence) at--;
    const before = ranges[at - 1];
    const after = ranges[at];
    const touched = ++this.#touches;
    if (before?.to === sequence) {
      before.to++;
      before.touched = touched;
      if (after?.from === before.to) {
        before.to = after.to;
        ranges.splice(at, 1);
      }
    } else if (after?.from === sequence + 1) {
      after.from--;
      after.touched = touched;
    } else ranges.splice(at, 0, { from: sequence, to: sequence + 1, touched });
  }

  #deliver(bytes: number): void {
    this.#next++;
    this.#unacked++;
    this.receivedSegments++;
    this.receivedBytes += bytes;
  }

  #deliverEarly(): void {
    const first = this.#ranges[0];
    if (first?.from !== this.#next) return;
    while (this.#next < first.to) {
      const bytes = this.#earlyBytes.get(this.#next) ?? 0;
      this.#earlyBytes.delete(this.#next);
      this.#deliver(bytes);
    }
    this.#ranges.shift();
  }

  #acknowledge(nowMs: number): void {
    const sacks = this.#newestRanges();
    const blocks = sacks.length + (this.#duplicate === undefined ? 0 : 1);
    const ack: TcpAck = {
      kind: "ack",
      acknowledged: this.#next,
      sacks: this.#duplicate === undefined ? sacks : sacks.slice(0, SACK_BLOCKS - 1),
      duplicate: this.#duplicate,
      echoMs: this.#echoMs,
      windowSegments: this.#windowSegments,
      sizeBytes: HEADER_BYTES + (blocks > 0 ? 4 + 8 * Math.min(SACK_BLOCKS, blocks) : 0),
    };
    this.#duplicate = undefined;
    this.#unacked = 0;
    this.#compressed = 0;
    this.nextDeadlineMs = Number.POSITIVE_INFINITY;
    this.acksSent++;
    this.#sink.send(ack, nowMs);
  }

  #newestRanges(): SegmentRange[] {
    const found: { from: number; to: number; touched: number }[] = [];
    for (const range of this.#ranges) {
      let at = found.length;
      while (at > 0 && (found[at - 1]?.touched ?? 0) < range.touched) at--;
      if (at < SACK_BLOCKS) found.splice(at, 0, range);
      if (found.length > SACK_BLOCKS) found.pop();
    }
    return found.map(({ from, to }): SegmentRange => [from, to]);
  }
}
