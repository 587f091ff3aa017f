import { type Bbr, type Cubic, TcpFlow, type TcpFrame } from "./tcp-model.ts";
import { TcpPackets } from "./tcp-packets.ts";
import type { Machine } from "./virtual-network.ts";

export interface SimTcpOptions {
  readonly control: Cubic | Bbr;
  /** Of the tunnel. */
  readonly mtu: number;
  /** IPv4 address and port of the sender and of the receiver. */
  readonly sender: { readonly address: string; readonly port: number };
  readonly receiver: { readonly address: string; readonly port: number };
  /** To the TAP of the sender's end, and of the receiver's. */
  readonly fromSender: (packet: Uint8Array) => void;
  readonly fromReceiver: (packet: Uint8Array) => void;
}

/** A TCP connection of the model through a simulated tunnel, as Ethernet frames at both TAPs. */
export class SimTcp implements Machine {
  readonly flow: TcpFlow;
  readonly #packets: TcpPackets;

  constructor({ control, mtu, sender, receiver, fromSender, fromReceiver }: SimTcpOptions) {
    this.#packets = new TcpPackets(sender, receiver);
    this.flow = new TcpFlow(
      { control, mtu },
      {
        sendSegment: (segment) => fromSender(this.#packets.encode(segment)),
        sendAck: (ack) => fromReceiver(this.#packets.encode(ack)),
      },
    );
  }

  get nextDeadlineMs(): number {
    return this.flow.nextDeadlineMs;
  }

  onTimer(nowMs: number): void {
    this.flow.onTimer(nowMs);
  }

  /** A frame that came out of a TAP. @returns false when it is not of this connection. */
  onArrival(packet: Uint8Array, nowMs: number): boolean {
    const frame: TcpFrame | undefined = this.#packets.decode(packet);
    if (frame !== undefined) this.flow.onFrame(frame, nowMs);
    return frame !== undefined;
  }
}
