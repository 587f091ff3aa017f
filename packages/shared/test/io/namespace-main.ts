/**
 * Runs inside a network namespace of its own and prints what it saw as JSON, for namespace.test.ts.
 *
 *   udpOpen ── wbns0 (TAP: 10.8.0.1/24, fd08::1/64, MTU 1400, no ARP) ── tapRead
 */
import { execFileSync } from "node:child_process";
import { NativePorts, native, POLLIN, STAT_NAMES } from "../../src/io/index.ts";

import { parseEndpoint } from "../../src/wire/index.ts";
import { hasRightChecksums, parseFrame } from "./frames.ts";
import { ARENA_AT, BATCH } from "./tap-pair.ts";
import { fill, packetsAt, slots } from "./vectors.ts";

const ports = new NativePorts(ARENA_AT);
const tap = native().tapOpen("wbns0", { vnet: true });
const commands = `link set lo up
link set wbns0 up mtu 1400 arp off
addr add 10.8.0.1/24 dev wbns0
addr add fd08::1/64 dev wbns0 nodad`;
execFileSync("ip", ["-batch", "-"], { input: commands });

function socket(family: 4 | 6): number {
  const address = family === 4 ? "10.8.0.1" : "fd08::1";
  return native().udpOpen({ family, address, device: "wbns0", port: 0, bufferBytes: 0, gro: true, packetInfo: false })
    .fd;
}

function send(fd: number, to: string, sizes: readonly number[]): number {
  const endpoint = parseEndpoint(to) ?? new Int32Array(0);
  const descriptors = slots(0, sizes.length);
  const datagrams = sizes.map((size, i) => Buffer.alloc(size, `${i}/`));
  return ports.udpWrite(fd, endpoint, 0, descriptors, fill(ports, descriptors, datagrams), sizes.length);
}

/** Reads UDP frames until the TAP is empty. */
function drain(): { sizes: number[]; right: boolean } {
  const sizes: number[] = [];
  let right = true;
  for (;;) {
    const descriptors = slots(0, BATCH);
    const filled = ports.tapRead(tap.fd, descriptors, BATCH);
    if (filled <= 0) return { sizes, right };
    for (const frame of packetsAt(ports, descriptors, filled)) {
      const parsed = parseFrame(frame);
      if (parsed?.protocol !== 17) continue;
      right &&= hasRightChecksums(parsed) && parsed.transport.readUInt16BE(4) === parsed.transport.byteLength;
      right &&= parsed.payload.equals(Buffer.alloc(parsed.payload.byteLength, `${sizes.length}/`));
      sizes.push(parsed.payload.byteLength);
    }
  }
}

function counters(): Record<string, number> {
  const values = new Float64Array(STAT_NAMES.length);
  ports.stats(values);
  return Object.fromEntries(STAT_NAMES.map((name, i) => [name, values[i] ?? 0]));
}

/**
 * Sends into a slow queue until the socket's buffer is full.
 * @returns whether all that was taken came out, and nothing else.
 */
function overfill(fd: number): { full: boolean; allCameOut: boolean } {
  execFileSync("tc", ["qdisc", "add", "dev", "wbns0", "root", ..."tbf rate 20mbit burst 5kb limit 10mb".split(" ")]);
  let taken = 0;
  let result = 1;
  for (let round = 0; round < 100 && result > 0; round++) {
    result = send(fd, "10.8.0.2:9", new Array(200).fill(1000));
    taken += result;
  }
  let cameOut = 0;
  while (native().poll(Int32Array.of(tap.fd, POLLIN), 1, 300) > 0) cameOut += drain().sizes.length;
  execFileSync("tc", ["qdisc", "del", "dev", "wbns0", "root"]);
  return { full: result === 0, allCameOut: cameOut === taken };
}

const four = socket(4);
const six = socket(6);
drain();
const vector = [...new Array(100).fill(1300), 700, 900, 900];
const sent = { four: send(four, "10.8.0.2:9", vector), six: 0 };
const framesFour = drain();
sent.six = send(six, "[fd08::2]:9", vector);
const framesSix = drain();
const afterVectors = counters();
const refused = {
  fits: [send(four, "10.8.0.2:9", [1372]), send(six, "[fd08::2]:9", [1352])],
  tooLong: [send(four, "10.8.0.2:9", [1373]), send(six, "[fd08::2]:9", [1353])],
  allTooLong: [send(four, "10.8.0.2:9", [1373, 1373, 1373]), send(six, "[fd08::2]:9", [1353, 1353])],
  lastTooLong: send(four, "10.8.0.2:9", [1000, 1000, 1373]),
  firstTooLong: send(four, "10.8.0.2:9", [1373, 1000]),
};
drain();
const overfilled = overfill(four);
execFileSync("ip", ["link", "set", "wbns0", "mtu", "1280"]);
const narrowed = [send(four, "10.8.0.2:9", [1252]), send(four, "10.8.0.2:9", [1253])];
execFileSync("ip", ["link", "set", "wbns0", "down"]);
const down = send(four, "10.8.0.2:9", [100]);
const netlink = native().netlinkOpen();
native().netlinkDrain(netlink);
const quiet = native().netlinkDrain(netlink);
execFileSync("ip", ["link", "set", "wbns0", "up"]);
for (const family of ["-4", "-6"]) execFileSync("ip", [family, "rule", "add", "priority", "77", "lookup", "77"]);
const changes = native().netlinkDrain(netlink);
process.stdout.write(
  JSON.stringify({
    offloads: tap.offloads,
    vector,
    sent,
    framesFour,
    framesSix,
    afterVectors,
    refused,
    overfilled,
    narrowed,
    down,
    netlink: { quiet, changes },
  }),
);
