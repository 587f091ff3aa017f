import { parseIpAddress } from "../../packages/shared/src/packet/index.ts";
import { OPENING, type TcpFrame } from "./tcp-types.ts";

const ETHERNET_BYTES = 14;
const IP_BYTES = 20;
const IP_AT = ETHERNET_BYTES;
const TCP_AT = IP_AT + IP_BYTES;
const PORTS_AT = TCP_AT;
/** The value of the time stamp option, behind two NOPs, kind and length. */
const STAMP_AT = TCP_AT + 24;
const TCP_ACK = 0x10;
const TCP_SYN_ACK = 0x12;
/** Packets that may be on their way at once. */
const MOST_FRAMES = 65_536;

export interface TcpEndpoint {
  /** IPv4. */
  readonly address: string;
  readonly port: number;
}

/**
 * The model's frames as Ethernet frames, for a tunnel that looks at what it carries: real addresses, ports, flags and
 * sizes. The frame itself is found again by the number in its time stamp option; a packet may arrive any number of times.
 * Checksums are 0.
 */
export class TcpPackets {
  readonly #sender: TcpEndpoint;
  readonly #receiver: TcpEndpoint;
  /** Source and destination in the header, for data and for acknowledgements. */
  readonly #addresses: { readonly data: number[]; readonly ack: number[] };
  readonly #frames = new Map<number, TcpFrame>();
  #nextNumber = 1;

  /** @param sender and receiver of the data. */
  constructor(sender: TcpEndpoint, receiver: TcpEndpoint) {
    this.#sender = sender;
    this.#receiver = receiver;
    const [near, far] = [sender, receiver].map(({ address }) => [...(parseIpAddress(address) ?? [])]);
    this.#addresses = { data: [...(near ?? []), ...(far ?? [])], ack: [...(far ?? []), ...(near ?? [])] };
  }

  encode(frame: TcpFrame): Uint8Array {
    const isData = frame.kind === "data";
    const [from, to] = isData ? [this.#sender, this.#receiver] : [this.#receiver, this.#sender];
    const packet = new Uint8Array(ETHERNET_BYTES + frame.sizeBytes);
    const headerBytes = frame.sizeBytes - IP_BYTES - (isData ? frame.payloadBytes : 0);
    packet.set([0x02, 0, 0, 0, 0, 0x20, 0x02, 0, 0, 0, 0, 0x10, 0x08, 0x00, 0x45]);
    packet.set([64, 6, 0, 0], IP_AT + 8);
    packet.set(this.#addresses[frame.kind], IP_AT + 12);
    packet.set([headerBytes << 2, isData && frame.sequence === OPENING ? TCP_SYN_ACK : TCP_ACK], TCP_AT + 12);
    packet.set([1, 1, 8, 10], STAMP_AT - 4);
    const view = new DataView(packet.buffer);
    view.setUint16(IP_AT + 2, frame.sizeBytes);
    view.setUint16(PORTS_AT, from.port);
    view.setUint16(PORTS_AT + 2, to.port);
    view.setUint32(STAMP_AT, this.#remember(frame));
    return packet;
  }

  /** @returns undefined for what is not of this connection. */
  decode(packet: Uint8Array): TcpFrame | undefined {
    if (packet.length < STAMP_AT + 4 || packet[IP_AT + 9] !== 6) return undefined;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    const ports = [view.getUint16(PORTS_AT), view.getUint16(PORTS_AT + 2)];
    if (!ports.includes(this.#sender.port) || !ports.includes(this.#receiver.port)) return undefined;
    return this.#frames.get(view.getUint32(STAMP_AT));
  }

  #remember(frame: TcpFrame): number {
    const number = this.#nextNumber++;
    this.#frames.set(number, frame);
    this.#frames.delete(number - MOST_FRAMES);
    return number;
  }
}
