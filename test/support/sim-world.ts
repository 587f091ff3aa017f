import { type BondSettings, defaultBondSettings, type PolicyName } from "../../packages/shared/src/bond/index.ts";
import { publicKeyOf } from "../../packages/shared/src/crypto/index.ts";
import { TYPE_DATA } from "../../packages/shared/src/wire/index.ts";
import { seededRandom } from "./random.ts";
import { SimClient } from "./sim-client.ts";
import { SimConcentrator, type SimConcentratorOptions } from "./sim-concentrator.ts";
import type { SimEnd } from "./sim-end.ts";
import { endpointKey, IP_UDP_BYTES, SimLink, type SimLinkOptions } from "./sim-link.ts";
import type { SimDatagram } from "./sim-ports.ts";
import { SimTcp } from "./sim-tcp.ts";
import { type FlowOptions, type FlowReport, flowNumberOf, SimFlow } from "./sim-traffic.ts";
import type { Bbr, Cubic } from "./tcp-model.ts";
import type { LineSettings, VirtualLine } from "./virtual-line.ts";
import { VirtualNetwork } from "./virtual-network.ts";

/** A host behind the concentrator. */
export const SERVER = "192.0.2.80";
export const SERVER_MAC: readonly number[] = [2, 0, 0, 0, 1, 0];
const FIRST_PORT = 50_000;
/** Time for whatever is under way to arrive. */
const DRAIN_MS = 5_000;

export interface SimWorldOptions {
  readonly seed?: number;
  readonly policy?: PolicyName;
  readonly settings?: Partial<BondSettings>;
  /** By client; one list makes one client. */
  readonly links: readonly (readonly SimLinkOptions[])[];
  /** One line that whatever goes down to the clients passes first, as behind one tower: its queue is that of all links. */
  readonly commonDown?: Partial<LineSettings>;
  readonly mode?: "routed" | "bridged";
  readonly clientToClient?: boolean;
}

export interface CbrOptions extends Partial<FlowOptions> {
  readonly from: SimEnd;
  readonly framesPerSecond: number;
  readonly untilMs?: number;
}

/** Households with their lines, one concentrator, and traffic between them, in one virtual time. */
export class SimWorld {
  readonly network: VirtualNetwork;
  readonly links: readonly (readonly SimLink[])[];
  readonly commonDown: VirtualLine<() => void> | undefined;
  readonly clients: SimClient[];
  concentrator: SimConcentrator;
  readonly flows: SimFlow[] = [];
  readonly connections: SimTcp[] = [];
  /** Datagrams that came to nobody's address, as when a translator forgot where they were to go; data among them. */
  unroutable = 0;
  unroutableData = 0;
  readonly concentratorKey = publicKeyOf(keyOf(0));
  /** Hosts beside the clients that the concentrator can reach. */
  readonly strangers = new Map<Int32Array, (datagram: SimDatagram) => void>();
  /** Every run of a program, the dead ones too. */
  readonly ends: SimEnd[] = [];
  /** Sees every frame that comes out of a TAP first. @returns whether it was its own. */
  onFrame: ((frame: Uint8Array, end: string) => boolean) | undefined;
  readonly #options: SimWorldOptions;
  readonly #settings: BondSettings;

  constructor(options: SimWorldOptions) {
    this.#options = options;
    this.#settings = { ...defaultBondSettings(options.policy), ...options.settings };
    this.network = new VirtualNetwork(options.seed ?? 1);
    let count = 0;
    this.links = options.links.map((links) =>
      links.map((link) => new SimLink(this.network, count++, link, (datagram) => this.concentrator.receive(datagram))),
    );
    this.commonDown = options.commonDown && this.network.line(options.commonDown, (sendDown) => sendDown());
    this.concentrator = this.#newConcentrator();
    this.clients = this.links.map((_, index) => this.#newClient(index));
  }

  get client(): SimClient {
    return this.clients[0] as SimClient;
  }

  /** @param index of a link of the first client. */
  link(index: number): SimLink {
    return this.links[0]?.[index] as SimLink;
  }

  get nowMs(): number {
    return this.network.nowMs;
  }

  /** Lets so much time pass. */
  run(durationMs: number): this {
    this.network.run(this.network.nowMs + durationMs);
    return this;
  }

  /** Time for what is under way to arrive. */
  drain(): this {
    return this.run(DRAIN_MS);
  }

  /** A constant stream of UDP frames; between the first client and a server behind the concentrator if not said otherwise. */
  cbr({ from, framesPerSecond, untilMs, ...options }: CbrOptions): SimFlow {
    const index = Math.max(0, this.clients.indexOf(from as SimClient));
    const isUp = from !== this.concentrator;
    const home = addressOf(index);
    const homeMac = macOf(index);
    const ends = isUp
      ? { source: home, destination: SERVER, sourceMac: homeMac, destinationMac: SERVER_MAC }
      : { source: SERVER, destination: home, sourceMac: SERVER_MAC, destinationMac: homeMac };
    const flow = new SimFlow(this.flows.length, { ...ends, ...options });
    this.flows.push(flow);
    const send = () => this.#live(from).inject(flow.next(this.nowMs));
    this.network.every(1000 / framesPerSecond, send, untilMs);
    return flow;
  }

  /** A TCP connection that downloads without an end, from a server behind the concentrator to the first client's LAN. */
  download(control: Cubic | Bbr): SimTcp {
    const connection = new SimTcp({
      control,
      mtu: this.client.innerMtu,
      sender: { address: SERVER, port: 443 },
      receiver: { address: addressOf(0), port: FIRST_PORT + this.connections.length },
      fromSender: (packet) => this.concentrator.inject(packet),
      fromReceiver: (packet) => this.client.inject(packet),
    });
    this.connections.push(connection);
    this.network.add(connection);
    connection.flow.sender.open(this.nowMs);
    connection.flow.sender.offer(Number.POSITIVE_INFINITY, this.nowMs);
    return connection;
  }

  restartConcentrator(afterMs: number): void {
    this.network.after(afterMs, () => {
      this.concentrator = this.#newConcentrator();
    });
  }

  restartClient(index: number, afterMs: number): void {
    this.network.after(afterMs, () => {
      this.clients[index] = this.#newClient(index);
    });
  }

  /** Drops of all ends together, dead ones too. */
  drops(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const end of this.ends) {
      for (const [reason, count] of Object.entries(end.drops())) sum[reason] = (sum[reason] ?? 0) + count;
    }
    return sum;
  }

  /** What became of the frames of all flows. */
  total(): FlowReport {
    return SimFlow.reportOf(this.flows);
  }

  /** @returns names of the members that carry frames or could, as the end sees them. */
  membersUp(end: SimEnd, peerId = 0): string[] {
    const peer = end.snapshot().peers.find((each) => each.peerId === peerId);
    return (peer?.members ?? []).filter(({ state }) => state === "up" || state === "standby").map(({ name }) => name);
  }

  #live(end: SimEnd): SimEnd {
    return end.name === "concentrator"
      ? this.concentrator
      : (this.clients.find(({ name }) => name === end.name) ?? end);
  }

  #newConcentrator(): SimConcentrator {
    const options: SimConcentratorOptions = {
      mode: this.#options.mode ?? "routed",
      clientToClient: this.#options.clientToClient ?? false,
      privateKey: keyOf(0),
      accounts: this.links.map((_, index) => ({
        name: `home${index + 1}`,
        publicKey: publicKeyOf(keyOf(index + 1)),
        address: addressOf(index),
        bond: this.#settings,
      })),
    };
    const end = new SimConcentrator(
      this.network,
      options,
      (datagram) => this.#sendDown(datagram),
      (frame) => this.#onFrame(frame, "concentrator"),
    );
    this.network.add(end);
    this.ends.push(end);
    return end;
  }

  #newClient(index: number): SimClient {
    const name = `home${index + 1}`;
    const end = new SimClient(
      this.network,
      {
        name,
        mode: this.#options.mode ?? "routed",
        bond: this.#settings,
        privateKey: keyOf(index + 1),
        concentratorKey: this.concentratorKey,
      },
      this.links[index] ?? [],
      (frame) => this.#onFrame(frame, name),
    );
    this.network.add(end);
    this.ends.push(end);
    return end;
  }

  #sendDown(datagram: SimDatagram): void {
    const key = endpointKey(datagram.endpoint);
    const link = this.links.flat().find((each) => endpointKey(each.publicEndpoint) === key);
    if (link !== undefined) {
      if (this.commonDown === undefined) link.sendDown(datagram);
      else this.commonDown.send(() => link.sendDown(datagram), datagram.bytes.length + IP_UDP_BYTES, this.nowMs);
      return;
    }
    for (const [endpoint, receive] of this.strangers) {
      if (endpointKey(endpoint) !== key) continue;
      receive(datagram);
      return;
    }
    this.unroutable++;
    if (datagram.bytes[0] === TYPE_DATA) this.unroutableData++;
  }

  #onFrame(frame: Uint8Array, end: string): void {
    if (this.onFrame?.(frame, end) === true) return;
    const flow = this.flows[flowNumberOf(frame)];
    if (flow !== undefined) flow.onArrival(frame, end, this.network.nowMs);
    else this.connections.some((connection) => connection.onArrival(frame, this.network.nowMs));
  }
}

/** Of a client within the tunnel. */
export function addressOf(index: number): string {
  return `10.8.0.${index + 2}`;
}

/** Of a host at a client's. */
export function macOf(index: number): readonly number[] {
  return [2, 0, 0, 0, 0, 0x10 + index];
}

/** Private key of a client by its number from 1 on; 0: the concentrator's. */
export function keyOf(number: number): Uint8Array {
  const random = seededRandom(1000 + number);
  return Uint8Array.from({ length: 32 }, () => Math.floor(random() * 256));
}
