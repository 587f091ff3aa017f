import { setTimeout as sleep } from "node:timers/promises";
import { createNamespaces, execute, type Namespace } from "../../../../test/support/netns.ts";
import { NativePorts, native, STAT_NAMES, type StatName } from "../../src/io/index.ts";
import { DESCRIPTOR_WORDS, SLOT_BYTES, UDP_RECEIVE_ARENA_BYTES } from "../../src/pipeline/ports.ts";
import { packetsAt, slots } from "./vectors.ts";

export const BATCH = 256;
export const ARENA_AT = BATCH * SLOT_BYTES;
let tapCount = 0;

export interface TestTap {
  readonly fd: number;
  readonly name: string;
  readonly offloads: { readonly vnet: boolean; readonly tso: boolean; readonly uso: boolean };
}

/** Opens a TAP here and moves the device into a namespace; the descriptor goes on working. */
export async function openTapIn(namespace: Namespace, vnet: boolean): Promise<TestTap> {
  const name = `wbt${process.pid}x${tapCount++}`.slice(-15);
  const tap = native().tapOpen(name, { vnet });
  await execute(["ip", "link", "set", name, "netns", namespace.name]);
  await namespace.sysctl({
    [`net.ipv6.conf.${name}.accept_dad`]: 0,
    [`net.ipv6.conf.${name}.router_solicitations`]: 0,
  });
  return { ...tap, name };
}

/** TAPs that are ports of one Linux bridge: what is written into one comes out of the others. */
export async function bridgeTaps(...vnet: readonly boolean[]): Promise<{ taps: TestTap[]; namespace: Namespace }> {
  const [namespace] = await createNamespaces(["bridge"]);
  if (namespace === undefined) throw new Error("no namespace was made");
  await namespace.sysctl({ "net.ipv6.conf.default.disable_ipv6": 1, "net.ipv6.conf.all.disable_ipv6": 1 });
  // Where br_netfilter is loaded, it would drop frames with a wrong IP header.
  const filters = ["net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0"];
  await namespace.exec(["sysctl", "-eqw", ...filters]);
  await namespace.ip("link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set br0 up");
  const taps: TestTap[] = [];
  for (const each of vnet) taps.push(await openTapIn(namespace, each));
  for (const { name } of taps) await namespace.ip(`link set ${name} master br0 up`);
  return { taps, namespace };
}

/** A bridge of two TAPs. */
export async function bridgedTaps(
  vnetIn: boolean,
  vnetOut: boolean,
): Promise<{ into: TestTap; outOf: TestTap; namespace: Namespace }> {
  const { taps, namespace } = await bridgeTaps(vnetIn, vnetOut);
  const [into, outOf] = taps as [TestTap, TestTap];
  return { into, outOf, namespace };
}

export function newPorts(): NativePorts {
  return new NativePorts(ARENA_AT + UDP_RECEIVE_ARENA_BYTES);
}

/** Reads frames until `enough` says so or nothing came for a second. */
export async function readFrames(
  ports: NativePorts,
  fd: number,
  enough: (frames: Buffer[]) => boolean,
): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  let quietSinceMs = native().nowMs();
  while (!enough(frames) && native().nowMs() - quietSinceMs < 1000) {
    const descriptors = slots(0, BATCH);
    const filled = ports.tapRead(fd, descriptors, BATCH);
    if (filled < 0) throw new Error(`tapRead: errno ${-filled}`);
    frames.push(...packetsAt(ports, descriptors, filled));
    if (filled > 0) quietSinceMs = native().nowMs();
    else await sleep(1);
  }
  return frames;
}

/** Moves what two TAPs offer from one to the other until stopped; `inspect` sees every frame read. */
export class TapPump {
  readonly ports = newPorts();
  #running = true;
  readonly #ended: Promise<void>;
  readonly #selection = Int32Array.from({ length: BATCH }, (_, i) => i);
  readonly #descriptors = new Int32Array(BATCH * DESCRIPTOR_WORDS);

  constructor(a: number, b: number, inspect: (frame: Buffer) => void) {
    this.#ended = this.#run(a, b, inspect);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#ended;
  }

  async #run(a: number, b: number, inspect: (frame: Buffer) => void): Promise<void> {
    while (this.#running) {
      const moved = this.#move(a, b, inspect) + this.#move(b, a, inspect);
      if (moved === 0) await sleep(0.2);
      else await new Promise(setImmediate);
    }
  }

  #move(from: number, to: number, inspect: (frame: Buffer) => void): number {
    this.#descriptors.set(slots(0, BATCH));
    const filled = this.ports.tapRead(from, this.#descriptors, BATCH);
    if (filled <= 0) return 0;
    for (const frame of packetsAt(this.ports, this.#descriptors, filled)) inspect(frame);
    return this.ports.tapWrite(to, this.#descriptors, this.#selection, filled);
  }
}

export function counterOf(ports: NativePorts, name: StatName): number {
  const counters = new Float64Array(STAT_NAMES.length);
  ports.stats(counters);
  return counters[STAT_NAMES.indexOf(name)] ?? Number.NaN;
}
