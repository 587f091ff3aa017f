import { ENDPOINT_PORT, ENDPOINT_REMOTE, parseEndpoint, TYPE_DATA } from "../../packages/shared/src/wire/index.ts";
import { seededRandom } from "./random.ts";
import type { SimDatagram, SimSocket } from "./sim-ports.ts";
import type { LineSettings, VirtualLine } from "./virtual-line.ts";
import type { VirtualNetwork } from "./virtual-network.ts";

const EMSGSIZE = 90;
export const IP_UDP_BYTES = 28;
/** Where the concentrator listens, as every client sees it. */
export const CONCENTRATOR = endpointOf("203.0.113.1:51900");

export interface SimLinkOptions {
  readonly name?: string;
  readonly up?: Partial<LineSettings>;
  readonly down?: Partial<LineSettings>;
  /** Largest IP packet that passes the line; larger ones vanish without a word. */
  readonly mtuBytes?: number;
  /** MTU of the client's device: larger ones are refused by its kernel. */
  readonly deviceMtu?: number;
  readonly metered?: boolean;
  /** Share of datagrams that the net delivers twice. */
  readonly duplicateRatio?: number;
}

/** Called for each datagram that a host gives to the link. */
export type SimWatch = (direction: "up" | "down", datagram: SimDatagram) => void;

/**
 * One internet line of a household with a provider that translates addresses: two virtual lines, the device and its
 * socket at the client's end. What is lost on it is counted.
 */
export class SimLink {
  readonly name: string;
  readonly metered: boolean;
  deviceMtu: number;
  readonly up: VirtualLine<SimDatagram>;
  readonly down: VirtualLine<SimDatagram>;
  mtuBytes: number;
  duplicateRatio: number;
  watch: SimWatch | undefined;
  /** What the concentrator sees as its source. */
  publicEndpoint: Int32Array;
  /** IP packets given to the lines, in bytes, and data datagrams that did not arrive. */
  readonly counters = { bytes: 0, lostData: 0, copies: 0 };
  /** The client's socket on this line; another one after the line got another address. */
  socket: SimSocket;
  readonly #network: VirtualNetwork;
  readonly #random: () => number;
  readonly #number: number;
  #port = 40_000;

  /** @param number of the link among all of its world. @param toConcentrator takes what has come through. */
  constructor(
    network: VirtualNetwork,
    number: number,
    options: SimLinkOptions,
    toConcentrator: (datagram: SimDatagram) => void,
  ) {
    this.#network = network;
    this.#number = number;
    this.#random = seededRandom(number + 1);
    this.name = options.name ?? `isp${number + 1}`;
    this.metered = options.metered ?? false;
    this.deviceMtu = options.deviceMtu ?? 1500;
    this.mtuBytes = options.mtuBytes ?? 1500;
    this.duplicateRatio = options.duplicateRatio ?? 0;
    this.up = network.line<SimDatagram>(options.up ?? {}, (datagram) => toConcentrator(datagram));
    this.down = network.line<SimDatagram>(options.down ?? {}, (datagram) => this.#arrive(datagram));
    this.publicEndpoint = this.#newEndpoint();
    this.socket = this.#newSocket();
  }

  /** Changes both directions. */
  set(settings: Partial<LineSettings>): void {
    Object.assign(this.up.settings, settings);
    Object.assign(this.down.settings, settings);
  }

  /** The provider's translator forgets the line and gives it another port: what comes to the old one is lost. */
  rebind(): void {
    this.publicEndpoint = this.#newEndpoint();
  }

  /** The line gets another address: a new socket, and the old one's datagrams go nowhere. */
  readdress(): void {
    this.rebind();
    this.socket = this.#newSocket();
  }

  /** From the concentrator. */
  sendDown(datagram: SimDatagram): void {
    this.#give("down", this.down, { bytes: datagram.bytes, endpoint: CONCENTRATOR });
  }

  #newEndpoint(): Int32Array {
    return endpointOf(`198.51.100.${this.#number + 1}:${this.#port++}`);
  }

  #newSocket(): SimSocket {
    return { inbox: [], send: (datagram) => this.#sendUp(datagram) };
  }

  #sendUp({ bytes }: SimDatagram): number {
    if (bytes.length + IP_UDP_BYTES > this.deviceMtu) return -EMSGSIZE;
    this.#give("up", this.up, { bytes, endpoint: this.publicEndpoint });
    return 1;
  }

  #give(direction: "up" | "down", line: VirtualLine<SimDatagram>, datagram: SimDatagram): void {
    const sizeBytes = datagram.bytes.length + IP_UDP_BYTES;
    this.counters.bytes += sizeBytes;
    this.watch?.(direction, datagram);
    const passes = sizeBytes <= this.mtuBytes && line.send(datagram, sizeBytes, this.#network.nowMs);
    if (!passes && datagram.bytes[0] === TYPE_DATA) this.counters.lostData++;
    if (passes && this.duplicateRatio > 0 && this.#random() < this.duplicateRatio) {
      if (line.send(datagram, sizeBytes, this.#network.nowMs)) this.counters.copies++;
    }
  }

  #arrive(datagram: SimDatagram): void {
    this.socket.inbox.push(datagram);
    this.onArrival?.();
  }

  /** Wakes the client; set by it. */
  onArrival: (() => void) | undefined;
}

export function endpointOf(text: string): Int32Array {
  const endpoint = parseEndpoint(text);
  if (endpoint === null) throw new Error(`${text} is no endpoint`);
  return endpoint;
}

/** One number for address and port of an IPv4 endpoint. */
export function endpointKey(endpoint: Int32Array): number {
  return (endpoint[ENDPOINT_REMOTE] ?? 0) * 65_536 + (endpoint[ENDPOINT_PORT] ?? 0);
}
