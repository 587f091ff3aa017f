import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Namespace } from "./netns.ts";
import { scriptCommand } from "./script.ts";
import { waitFor } from "./wait.ts";

export const BROADCAST = "ffffffffffff";
/** IEEE 802, local experiments: no kernel sends such frames. */
const EXPERIMENT = 0x88b5;
const TPID = 0x8100;

/** A frame of a test, told from all others by its number. */
export interface TestFrame {
  /** Hexadecimal digits of a MAC address. */
  readonly to: string;
  readonly from: string;
  readonly number: number;
  /** Of an 802.1Q tag. */
  readonly vlan?: number;
  /** Behind Ethernet header and tag. Default 46, the least. */
  readonly payloadBytes?: number;
}

/** An Ethernet host that a test plays itself, at a port of a bridge: it sends any frame and keeps those that come. */
export class Station {
  /** Its own MAC address, which only this class knows. */
  readonly mac: string;
  /** What came, other than of kernels. */
  readonly received: TestFrame[] = [];
  readonly #process: ChildProcess;

  private constructor(station: ChildProcess, mac: string) {
    this.#process = station;
    this.mac = mac;
  }

  /** @param device of the TAP that is made for it. */
  static async join(namespace: Namespace, bridge: string, device: string, mac: string): Promise<Station> {
    const child = namespace.spawn(scriptCommand("station-main.ts", device), { stdio: ["pipe", "pipe", "inherit"] });
    if (child.stdout === null) throw new Error("unreachable: standard output is a pipe");
    const station = new Station(child, mac);
    let isReady = false;
    createInterface(child.stdout).on("line", (line) => {
      if (line === "ready") isReady = true;
      else station.#onFrame(Buffer.from(line, "hex"));
    });
    await waitFor(() => isReady, { what: `the station ${device} is ready` });
    await namespace.ip(`link set ${device} master ${bridge}`, `link set ${device} up`);
    return station;
  }

  send({ to, from, number, vlan, payloadBytes = 46 }: TestFrame): void {
    const types = vlan === undefined ? [EXPERIMENT] : [TPID, vlan, EXPERIMENT];
    const payload = Buffer.alloc(payloadBytes);
    payload.writeUInt32BE(number);
    for (let i = 4; i < payloadBytes; i++) payload[i] = i & 0xff;
    this.#process.stdin?.write(`${to}${from}${types.map(word).join("")}${payload.toString("hex")}\n`);
  }

  /** How many copies of each of these numbers came. */
  copies(numbers: readonly number[]): number[] {
    return numbers.map((number) => this.received.filter((frame) => frame.number === number).length);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.stdin?.end();
    await ended;
  }

  #onFrame(frame: Buffer): void {
    const tagged = frame.readUInt16BE(12) === TPID;
    const typeAt = tagged ? 16 : 12;
    if (frame.readUInt16BE(typeAt) !== EXPERIMENT) return;
    const payload = frame.subarray(typeAt + 2);
    const isWhole = payload.every((byte, i) => i < 4 || byte === (i & 0xff));
    this.received.push({
      to: frame.toString("hex", 0, 6),
      from: frame.toString("hex", 6, 12),
      number: isWhole ? payload.readUInt32BE() : -1,
      ...(tagged && { vlan: frame.readUInt16BE(14) }),
      payloadBytes: payload.length,
    });
  }
}

function word(value: number): string {
  return value.toString(16).padStart(4, "0");
}
