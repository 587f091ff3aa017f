/**
 * Uses every call of the addon, with right and with random arguments; run under sanitizers by sanitizer.test.ts, as root
 * in a network namespace of its own.
 * The pool is small and its end is the end of an allocation, so that one byte too far is seen.
 */
import { execFileSync } from "node:child_process";
import { NativePorts, native } from "../../src/io/index.ts";
import {
  DESCRIPTOR_WORDS,
  SLOT_BYTES,
  UDP_RECEIVE_ARENA_BYTES,
  UDP_RECEIVE_MESSAGES,
} from "../../src/pipeline/ports.ts";
import { ENDPOINT_WORDS, parseEndpoint } from "../../src/wire/index.ts";
import { ACK, PSH, TPID_8021Q, tcpFrame } from "./frames.ts";
import { fill, slots } from "./vectors.ts";

const SLOTS = 96;
const ARENA = SLOTS * SLOT_BYTES;
const ports = new NativePorts(ARENA + UDP_RECEIVE_ARENA_BYTES);
const addon = native();
const isRoot = process.getuid?.() === 0;
const taps = isRoot ? openTaps() : [addon.eventfdOpen()];
const udp = { port: 0, bufferBytes: 1 << 20, gro: true, packetInfo: true };
const sockets = [
  { fd: addon.udpOpen({ ...udp, family: 4, address: "127.0.0.1" }).fd, host: "127.0.0.1" },
  { fd: addon.udpOpen({ ...udp, family: 6, address: "::1" }).fd, host: "[::1]" },
];
const endpoints = new Int32Array(UDP_RECEIVE_MESSAGES * ENDPOINT_WORDS);

/** Three ports of a bridge: what is written into one comes out of the others, cut by us or by the kernel. */
function openTaps(): number[] {
  const names = ["wbs0", "wbs1", "wbs2"];
  const opened = names.map((name, i) => addon.tapOpen(name, { vnet: i < 2 }).fd);
  const commands = ["link set lo up", "link add br0 up type bridge"];
  execFileSync("ip", ["-batch", "-"], {
    input: [...commands, ...names.map((name) => `link set ${name} up master br0`), ""].join("\n"),
  });
  return opened;
}

/** Mulberry32, so that a failure repeats. */
let seed = 20;
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
  return ((value ^ (value >>> 14)) >>> 0) / 0x100000000;
}
function pick<T>(values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error("nothing to pick from");
  return value;
}
const below = (limit: number) => Math.floor(random() * limit);

/** Mostly sensible numbers, and those at and beyond every edge. */
function wildNumber(): number {
  const end = ports.pool.byteLength;
  return pick([
    below(end),
    below(SLOT_BYTES),
    below(100),
    ...[0, -1, 1, end, end - 1, end - 16, 0x7fffffff, -0x80000000, 65535, 65507],
  ]);
}

function wildDescriptors(count: number): Int32Array {
  return Int32Array.from({ length: count * DESCRIPTOR_WORDS }, wildNumber);
}

function wildSelection(count: number, descriptors: number): Int32Array {
  return Int32Array.from({ length: count }, () => (random() < 0.9 ? below(descriptors) : wildNumber()));
}

let framesRead = 0;
function exchange(): void {
  for (const { fd, host } of sockets) {
    const to = parseEndpoint(`${host}:${addon.localPort(fd)}`) ?? new Int32Array(0);
    const descriptors = slots(0, SLOTS);
    const datagrams = Array.from({ length: SLOTS }, () => Buffer.alloc(pick([1, 64, 1400, 1400, 1400, 1966])));
    ports.udpWrite(fd, to, 0, descriptors, fill(ports, descriptors, datagrams), SLOTS);
    const received = new Int32Array(512 * DESCRIPTOR_WORDS);
    const count = ports.udpRead(fd, ARENA, received, 512, endpoints);
    if (count <= 0) throw new Error(`nothing came: ${count}`);
    ports.udpWrite(
      fd,
      endpoints,
      0,
      received,
      Int32Array.from({ length: count }, (_, i) => i),
      count,
    );
    ports.udpRead(fd, ARENA, received, 512, endpoints);
  }
}

function writeFlows(): void {
  const frames = Array.from({ length: SLOTS }, (_, i) =>
    tcpFrame({
      v6: i % 3 === 0,
      tags: i % 5 === 0 ? [TPID_8021Q] : [],
      port: 1 + (i % 4),
      sequence: Math.floor(i / 4) * 500,
      flags: random() < 0.1 ? ACK | PSH : ACK,
      payload: Buffer.alloc(500),
    }),
  );
  if (random() < 0.5) for (const frame of frames) frame.writeUInt8(below(256), below(frame.length));
  const descriptors = slots(0, SLOTS);
  const selection = fill(ports, descriptors, frames);
  for (const tap of taps) ports.tapWrite(tap, descriptors, selection, SLOTS);
  for (const tap of taps) framesRead += Math.max(ports.tapRead(tap, descriptors, SLOTS), 0);
}

function sealAndOpen(): void {
  for (let cipher = 0; cipher < 4; cipher++) {
    ports.setKey(cipher, cipher, new Uint8Array(32).fill(cipher), "seal");
    ports.setKey(cipher, cipher, new Uint8Array(32).fill(cipher), "open");
    const plain = Int32Array.of(0, below(1500), 0, cipher);
    const sealed = Int32Array.of(2 * SLOT_BYTES, 0, 0, cipher);
    const back = Int32Array.of(4 * SLOT_BYTES, 0, 0, 0);
    ports.seal(plain, sealed, 1);
    if (ports.open(sealed, back, 1) !== 1) throw new Error("not authentic");
    const at = 2 * SLOT_BYTES + below(32);
    ports.pool[at] = (ports.pool[at] ?? 0) ^ 1;
    if (ports.open(sealed, back, 1) !== 0) throw new Error("forged and accepted");
    // The last bytes of the pool, exactly.
    const end = ports.pool.byteLength;
    ports.seal(Int32Array.of(end - 100, 100, 0, cipher), Int32Array.of(end - 132, 0, 0, 0), 1);
  }
}

function misuse(): void {
  const count = below(80);
  const descriptors = wildDescriptors(count);
  const others = wildDescriptors(count);
  const selection = wildSelection(count, count);
  const claimed = random() < 0.9 ? count : wildNumber();
  const fd = pick([...taps, ...sockets.map((socket) => socket.fd), -1, 0x7fffffff]);
  ports.tapRead(fd, descriptors.slice(), claimed);
  ports.tapWrite(fd, descriptors, selection, claimed);
  ports.udpWrite(fd, endpoints, wildNumber(), descriptors, selection, claimed);
  ports.udpWrite(fd, endpoints, 0, descriptors, selection, claimed);
  ports.udpRead(fd, wildNumber(), others, claimed, endpoints);
  ports.seal(descriptors, others, claimed);
  ports.open(others, descriptors, claimed);
  ports.clearKey(wildNumber(), "open");
}

/** Calls with arguments of wrong types, which no TypeScript would make. */
function abuse(): void {
  const values: unknown[] = [undefined, null, 0, -1, 1e300, Number.NaN, "x", {}, new Uint8Array(3), new Int32Array(3)];
  for (const [name, call] of Object.entries(addon)) {
    if (typeof call !== "function" || name === "poll" || name === "close") continue;
    for (const value of values) {
      try {
        const made = call(value, value, value, value, value, value, value);
        if (name === "netlinkOpen" || name === "eventfdOpen") addon.close(made);
      } catch {
        // Refusing is right; what is tested is that nothing is read or written that should not be.
      }
    }
  }
}

for (let i = 0; i < 200; i++) {
  exchange();
  writeFlows();
  sealAndOpen();
}
for (let i = 0; i < 5000; i++) misuse();
abuse();
if (isRoot && framesRead < 1000) throw new Error(`only ${framesRead} frames were read`);
for (const fd of [...taps, ...sockets.map((socket) => socket.fd)]) addon.close(fd);
process.stdout.write("done\n");
