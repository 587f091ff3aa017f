import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { NativePorts, native, POLLIN, STAT_NAMES, type StatName } from "../../src/io/index.ts";
import {
  AUX,
  DESCRIPTOR_WORDS,
  SLOT_BYTES,
  UDP_RECEIVE_ARENA_BYTES,
  UDP_RECEIVE_MESSAGES,
} from "../../src/pipeline/ports.ts";
import { ENDPOINT_LOCAL, ENDPOINT_WORDS, formatEndpoint, parseEndpoint } from "../../src/wire/index.ts";
import { addressBytes, fill, packetsAt, slots } from "./vectors.ts";

const SLOTS = 600;
const ARENA = SLOTS * SLOT_BYTES;
const ports = new NativePorts(ARENA + UDP_RECEIVE_ARENA_BYTES);
const endpoints = new Int32Array(UDP_RECEIVE_MESSAGES * ENDPOINT_WORDS);
const opened: number[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) native().close(fd);
});

interface Bound {
  readonly fd: number;
  readonly gso: boolean;
  readonly gro: boolean;
  readonly endpoint: Int32Array;
}

/** A socket on loopback and the endpoint others reach it by. */
function bind(host: string, options: { gro?: boolean; packetInfo?: boolean; address?: string } = {}): Bound {
  const { gro = true, packetInfo = false, address = host } = options;
  const family = host.includes(":") ? 6 : 4;
  const socket = native().udpOpen({ family, address, port: 0, bufferBytes: 4 << 20, gro, packetInfo });
  opened.push(socket.fd);
  const port = native().localPort(socket.fd);
  const endpoint = parseEndpoint(family === 6 ? `[${host}]:${port}` : `${host}:${port}`);
  if (endpoint === null) throw new Error(`no endpoint: ${host}`);
  return { ...socket, endpoint };
}

function isReadable(fd: number, timeoutMs: number): boolean {
  const fds = Int32Array.of(fd, POLLIN);
  return native().poll(fds, 1, timeoutMs) === 1 && (fds[1] ?? 0) >> 16 === POLLIN;
}

/** Receives until `count` datagrams are here or none came for a second. */
function receive(socket: Bound, count: number, max = 512): Buffer[] {
  const received: Buffer[] = [];
  const descriptors = new Int32Array(max * DESCRIPTOR_WORDS);
  while (received.length < count && isReadable(socket.fd, 1000)) {
    const filled = ports.udpRead(socket.fd, ARENA, descriptors, max, endpoints);
    expect(filled).toBeGreaterThanOrEqual(0);
    received.push(...packetsAt(ports, descriptors, filled));
  }
  return received;
}

function send(from: Bound, endpoint: Int32Array, datagrams: readonly Uint8Array[]): number {
  const descriptors = slots(0, datagrams.length);
  return ports.udpWrite(from.fd, endpoint, 0, descriptors, fill(ports, descriptors, datagrams), datagrams.length);
}

function counter(name: StatName): number {
  const counters = new Float64Array(STAT_NAMES.length);
  ports.stats(counters);
  return counters[STAT_NAMES.indexOf(name)] ?? Number.NaN;
}

/** Datagrams of these sizes that all differ. */
function datagramsOf(sizes: readonly number[]): Buffer[] {
  return sizes.map((size, i) => Buffer.alloc(size, `${i}/${size};`));
}

describe("counters", () => {
  it("have the names that the addon has, in its order", () => {
    expect(native().statNames).toEqual(STAT_NAMES);
  });
});

describe.each(["127.0.0.1", "::1"])("vectors over %s", (host) => {
  it("arrive whole and in order, whatever their sizes", () => {
    const receiver = bind(host);
    const sender = bind(host);
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 1900 }), fc.constantFrom(1432, 64)), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(sizes, fc.constantFrom(64, 512), (chosen, max) => {
        const datagrams = datagramsOf(chosen);
        expect(send(sender, receiver.endpoint, datagrams)).toBe(datagrams.length);
        expect(receive(receiver, datagrams.length, max)).toEqual(datagrams);
      }),
    );
  });

  it("of one size travel joined where the kernel can", () => {
    const receiver = bind(host);
    const sender = bind(host);
    const datagrams = datagramsOf(new Array(400).fill(1400));
    const messages = counter("udpWriteMessages");
    send(sender, receiver.endpoint, datagrams);
    expect(counter("udpWriteMessages") - messages).toBe(sender.gso ? Math.ceil(400 / 46) : 400);
    expect(receive(receiver, 400)).toEqual(datagrams);
  });

  it("arrive singly at a socket without GRO", () => {
    const receiver = bind(host, { gro: false });
    const datagrams = datagramsOf(new Array(100).fill(1200));
    expect(send(bind(host), receiver.endpoint, datagrams)).toBe(100);
    expect(receive(receiver, 100, 64)).toEqual(datagrams);
  });

  it("say where they come from", () => {
    const receiver = bind(host);
    const sender = bind(host);
    send(sender, receiver.endpoint, datagramsOf([10]));
    receive(receiver, 1);
    expect(formatEndpoint(endpoints)).toBe(formatEndpoint(sender.endpoint));
    expect([...endpoints.subarray(ENDPOINT_LOCAL, ENDPOINT_LOCAL + 4)]).toEqual([0, 0, 0, 0]);
  });

  it("are answered from the address they came to", () => {
    const other = host === "::1" ? "::1" : "127.0.0.2";
    const server = bind(other, { packetInfo: true, address: host === "::1" ? "::" : "0.0.0.0" });
    const client = bind(host);
    send(client, server.endpoint, datagramsOf([10]));
    receive(server, 1);
    expect(addressBytes(endpoints, 0, "local")).toEqual(addressBytes(server.endpoint, 0, "remote"));
    const reply = endpoints.slice(0, ENDPOINT_WORDS);
    expect(send(server, reply, datagramsOf([20, 20]))).toBe(2);
    expect(receive(client, 2)).toEqual(datagramsOf([20, 20]));
    expect(formatEndpoint(endpoints)).toBe(formatEndpoint(server.endpoint));
  });
});

describe("sources", () => {
  it("of one vector are told apart by aux", () => {
    const receiver = bind("127.0.0.1");
    const senders = [bind("127.0.0.1"), bind("127.0.0.1"), bind("127.0.0.1")];
    for (const sender of senders) send(sender, receiver.endpoint, datagramsOf([50, 50]));
    const descriptors = new Int32Array(512 * DESCRIPTOR_WORDS);
    const filled = ports.udpRead(receiver.fd, ARENA, descriptors, 512, endpoints);
    const sources = Array.from({ length: filled }, (_, i) =>
      formatEndpoint(endpoints, descriptors[i * DESCRIPTOR_WORDS + AUX]),
    );
    expect(sources).toEqual(senders.flatMap(({ endpoint }) => [formatEndpoint(endpoint), formatEndpoint(endpoint)]));
  });
});

describe("refusals", () => {
  it("are a negative errno when nothing was sent", () => {
    const sender = bind("127.0.0.1");
    const endpoint = sender.endpoint;
    const descriptors = slots(0, 2);
    const selection = Int32Array.of(0, 1);
    expect(ports.udpWrite(sender.fd, endpoint, 0, descriptors, selection, 1)).toBe(-14); // no length
    fill(ports, descriptors, datagramsOf([10, 10]));
    expect(ports.udpWrite(sender.fd, endpoint, 1, descriptors, selection, 2)).toBe(-22); // no such endpoint
    expect(ports.udpWrite(sender.fd, endpoint, 0, descriptors, selection, 3)).toBe(-22); // selection too short
    expect(ports.udpWrite(sender.fd, endpoint, 0, descriptors, Int32Array.of(0, 7), 2)).toBe(1); // no such descriptor
    expect(ports.udpWrite(-1, endpoint, 0, descriptors, selection, 2)).toBe(-9);
    descriptors[0] = ports.pool.byteLength - 5;
    expect(ports.udpWrite(sender.fd, endpoint, 0, descriptors, selection, 2)).toBe(-14);
  });

  it("of a reader's arguments keep the datagrams in the socket", () => {
    const receiver = bind("127.0.0.1");
    send(bind("127.0.0.1"), receiver.endpoint, datagramsOf([10]));
    const descriptors = new Int32Array(64 * DESCRIPTOR_WORDS);
    expect(ports.udpRead(receiver.fd, ARENA, descriptors, 63, endpoints)).toBe(-22);
    expect(ports.udpRead(receiver.fd, ARENA, descriptors, 65, endpoints)).toBe(-22);
    expect(ports.udpRead(receiver.fd, ARENA + 1, descriptors, 64, endpoints)).toBe(-22);
    expect(ports.udpRead(receiver.fd, ARENA, descriptors, 64, endpoints.subarray(1))).toBe(-22);
    expect(receive(receiver, 1, 64)).toHaveLength(1);
  });

  it.each([
    [{ family: 4, address: "::1" }, "EINVAL"],
    [{ family: 4, address: "203.0.113.9" }, "EADDRNOTAVAIL"],
    [{ family: 4, device: "nosuchdevice0" }, "ENODEV"],
    [{ family: 6, device: "a-name-that-is-too-long" }, "ENODEV"],
    [{ family: 4, port: 65536 }, "EINVAL"],
  ] as const)("of udpOpen(%j) carry the code %s", (options, code) => {
    const open = () => native().udpOpen({ port: 0, bufferBytes: 0, gro: true, packetInfo: false, ...options });
    expect(open).toThrow(expect.objectContaining({ code }));
  });
});

describe("poll", () => {
  it("waits as long as it is told and tells what is ready", () => {
    const quiet = bind("127.0.0.1");
    const startMs = native().nowMs();
    expect(isReadable(quiet.fd, 2.5)).toBe(false);
    expect(native().nowMs() - startMs).toBeGreaterThanOrEqual(2.5);
    const event = native().eventfdOpen();
    opened.push(event);
    expect(native().eventfdDrain(event)).toBe(0);
    native().eventfdSignal(event);
    native().eventfdSignal(event);
    const fds = Int32Array.of(quiet.fd, POLLIN, event, POLLIN);
    expect(native().poll(fds, 2, -1)).toBe(1);
    expect([(fds[1] ?? 0) >> 16, (fds[3] ?? 0) >> 16]).toEqual([0, POLLIN]);
    expect(native().eventfdDrain(event)).toBe(1);
    expect(isReadable(event, 0)).toBe(false);
  });
});
