import type { Bbr } from "./tcp-bbr.ts";
import type { Cubic } from "./tcp-cubic.ts";
import { TcpReceiver } from "./tcp-receiver.ts";
import { TcpSender } from "./tcp-sender.ts";
import type { TcpAck, TcpFrame, TcpSegment } from "./tcp-types.ts";

export { Bbr } from "./tcp-bbr.ts";
export { Cubic } from "./tcp-cubic.ts";
export type { TcpFrame, TcpSegment } from "./tcp-types.ts";

export interface TcpFlowOptions {
  readonly control: Cubic | Bbr;
  readonly mtu?: number;
  readonly isPaced?: boolean;
  /** The receiver's buffer, as far as it is advertised. Default 3 MiB, as tcp_rmem's 6 MiB gives. */
  readonly windowBytes?: number;
}

/** Carries frames; each has its IP packet's size in sizeBytes. */
export interface TcpFlowSink {
  /** From sender to receiver: hand it to onSegment at the far end, once, twice, late or never. */
  sendSegment(segment: TcpSegment, nowMs: number): void;
  /** From receiver to sender: hand it to onAck. */
  sendAck(ack: TcpAck, nowMs: number): void;
}

/**
 * Both ends of one TCP connection, from the SYN-ACK on. Wrong in the same direction as the kernel where it matters to a
 * bond: HyStart, RACK and its reordering window, undo, delayed and compressed acknowledgements, super-frames, tail probes.
 */
export class TcpFlow {
  readonly sender: TcpSender;
  readonly receiver: TcpReceiver;

  constructor(options: TcpFlowOptions, sink: TcpFlowSink) {
    const { control, mtu = 1500, isPaced = false, windowBytes = 3 * 1024 * 1024 } = options;
    this.sender = new TcpSender(
      { control, mtu, isPaced },
      { send: (segment, nowMs) => sink.sendSegment(segment, nowMs) },
    );
    const windowSegments = Math.floor(windowBytes / this.sender.state.mssBytes);
    this.receiver = new TcpReceiver(windowSegments, { send: (ack, nowMs) => sink.sendAck(ack, nowMs) });
  }

  get nextDeadlineMs(): number {
    return Math.min(this.sender.nextDeadlineMs, this.receiver.nextDeadlineMs);
  }

  onTimer(nowMs: number): void {
    if (nowMs >= this.sender.nextDeadlineMs) this.sender.onTimer(nowMs);
    this.receiver.onTimer(nowMs);
  }

  /** Any frame of this connection, at the end it was sent to. */
  onFrame(frame: TcpFrame, nowMs: number): void {
    if (frame.kind === "data") this.receiver.onSegment(frame, nowMs);
    else this.sender.onAck(frame, nowMs);
  }
}
