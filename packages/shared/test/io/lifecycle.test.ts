import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { createNamespaces, isRoot, type Namespace } from "../../../../test/support/netns.ts";
import { NativePorts, native, nativePath } from "../../src/io/index.ts";
import { ACK, tcpFrame } from "./frames.ts";
import { bridgedTaps, newPorts, openTapIn, readFrames } from "./tap-pair.ts";
import { fill, slots } from "./vectors.ts";

const CYCLES = 1000;
const MEBIBYTE = 1 << 20;
const skipped = isRoot() ? "" : " (skipped: needs root)";

function descriptorCount(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Growth of this process over `rounds` rounds, the first tenth of which may fill caches. */
function growthOf(rounds: number, round: () => void): { descriptors: number; residentBytes: number } {
  for (let i = 0; i < rounds / 10; i++) round();
  const descriptors = descriptorCount();
  const residentBytes = process.memoryUsage.rss();
  for (let i = 0; i < rounds; i++) round();
  return {
    descriptors: descriptorCount() - descriptors,
    residentBytes: process.memoryUsage.rss() - residentBytes,
  };
}

describe(`${CYCLES} times opened and closed`, () => {
  const openers = {
    "UDP sockets": () =>
      native().udpOpen({ family: 4, address: "127.0.0.1", port: 0, bufferBytes: 65536, gro: true, packetInfo: true })
        .fd,
    "IPv6 UDP sockets": () =>
      native().udpOpen({ family: 6, address: "::1", port: 0, bufferBytes: 65536, gro: true, packetInfo: true }).fd,
    eventfds: () => native().eventfdOpen(),
    "netlink sockets": () => native().netlinkOpen(),
  };

  it.each(Object.entries(openers))("%s leave nothing behind", (_name, open) => {
    const growth = growthOf(CYCLES, () => expect(native().close(open())).toBe(0));
    expect(growth.descriptors).toBe(0);
    expect(growth.residentBytes).toBeLessThan(16 * MEBIBYTE);
  });

  it.skipIf(!isRoot())(`TAPs that were read leave nothing behind${skipped}`, { timeout: 120_000 }, () => {
    const ports = newPorts();
    const growth = growthOf(CYCLES, () => {
      const { fd } = native().tapOpen(`wbl${process.pid}`, { vnet: true });
      expect(ports.tapRead(fd, slots(0, 4), 4)).toBe(0);
      expect(native().close(fd)).toBe(0);
    });
    expect(growth.descriptors).toBe(0);
    expect(growth.residentBytes).toBeLessThan(16 * MEBIBYTE);
  });

  it("failed openings leave nothing behind", () => {
    const growth = growthOf(CYCLES, () => {
      const options = {
        family: 4,
        address: "203.0.113.9",
        port: 0,
        bufferBytes: 0,
        gro: true,
        packetInfo: true,
      } as const;
      expect(() => native().udpOpen(options)).toThrow("address not available");
    });
    expect(growth.descriptors).toBe(0);
  });

  it("keys set and cleared leave nothing behind", () => {
    const ports = new NativePorts(4096);
    const key = new Uint8Array(32);
    let index = 0;
    const growth = growthOf(10 * CYCLES, () => {
      index = (index + 7919) % 65536;
      ports.setKey(index, index % 4, key, "seal");
      ports.clearKey(index, "seal");
    });
    expect(growth.residentBytes).toBeLessThan(16 * MEBIBYTE);
  });
});

describe("threads", () => {
  it("may load the addon one after the other, each with ports of its own", async () => {
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      const addon = require(workerData);
      const ports = addon.createPorts(new Uint8Array(1 << 20));
      addon.setKey(ports, 3, 0, new Uint8Array(32), true);
      const sealed = Int32Array.of(4096, 0, 0, 0);
      addon.seal(ports, Int32Array.of(0, 100, 0, 3), sealed, 1);
      parentPort.postMessage(sealed[1]);`;
    const load = async () => {
      const worker = new Worker(code, { eval: true, workerData: nativePath() });
      // A thread that ends at once may bring both in one turn.
      const ended = once(worker, "exit");
      const [length] = await once(worker, "message");
      expect(length).toBe(16 + 100 + 16);
      await ended;
    };
    for (let i = 0; i < 5; i++) await load();
    const descriptors = descriptorCount();
    const residentBytes = process.memoryUsage.rss();
    for (let i = 0; i < 20; i++) await load();
    expect(descriptorCount()).toBe(descriptors);
    expect(process.memoryUsage.rss() - residentBytes).toBeLessThan(48 * MEBIBYTE);
  }, 60_000);

  it("that poll are woken by an eventfd of another", async () => {
    const event = native().eventfdOpen();
    const code = `
      const { parentPort, workerData } = require("node:worker_threads");
      const addon = require(workerData.path);
      parentPort.postMessage("waiting");
      parentPort.postMessage(addon.poll(Int32Array.of(workerData.event, 1), 1, -1));`;
    const worker = new Worker(code, { eval: true, workerData: { path: nativePath(), event } });
    const ended = once(worker, "exit");
    await once(worker, "message");
    native().eventfdSignal(event);
    expect(await once(worker, "message")).toEqual([1]);
    await ended;
    native().close(event);
  });
});

describe.skipIf(!isRoot())(`a descriptor number${skipped}`, () => {
  const namespaces: Namespace[] = [];
  afterEach(() => {
    for (const namespace of namespaces.splice(0)) namespace.remove();
  });

  it("that was a TAP with a super-frame in flight means only the new device after a close", async () => {
    const { into, outOf, namespace } = await bridgedTaps(true, true);
    namespaces.push(namespace);
    const ports = newPorts();
    const frames = Array.from({ length: 40 }, (_, i) =>
      tcpFrame({ v6: true, port: 1, sequence: i * 1000, flags: ACK, payload: Buffer.alloc(1000) }),
    );
    const descriptors = slots(0, 40);
    ports.tapWrite(into.fd, descriptors, fill(ports, descriptors, frames), 40);
    expect(ports.tapRead(outOf.fd, slots(0, 4), 4)).toBe(4);
    native().close(outOf.fd);
    const [other] = await createNamespaces(["other"]);
    if (other === undefined) throw new Error("no namespace was made");
    namespaces.push(other);
    await other.sysctl({ "net.ipv6.conf.default.disable_ipv6": 1 });
    const reopened = await openTapIn(other, false);
    expect(reopened.fd).toBe(outOf.fd);
    expect(reopened.offloads).toEqual({ vnet: false, tso: false, uso: false });
    expect(await readFrames(ports, reopened.fd, (got) => got.length > 0)).toEqual([]);
    native().close(reopened.fd);
    expect(ports.tapRead(reopened.fd, slots(0, 4), 4)).toBe(-9);
    native().close(into.fd);
  });
});
