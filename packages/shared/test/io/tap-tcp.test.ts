import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { createNamespaces, isRoot, type Namespace } from "../../../../test/support/netns.ts";
import { native } from "../../src/io/index.ts";
import { hasRightChecksums, parseFrame } from "./frames.ts";
import { counterOf, openTapIn, TapPump, type TestTap } from "./tap-pair.ts";

const skipped = isRoot() ? "" : " (skipped: needs root)";
const MEGABYTES = 24;

/** Receives one connection and prints the SHA-256 of what came; prints "ready" first. */
const RECEIVER = `
const hash = require("crypto").createHash("sha256");
const server = require("net").createServer((socket) => {
  socket.on("data", (data) => hash.update(data));
  socket.on("end", () => { process.stdout.write(hash.digest("hex")); socket.end(); server.close(); });
});
server.listen(7000, process.argv[1], () => process.stderr.write("ready"));`;

/** Sends pseudo-random bytes in writes of uneven sizes and prints their SHA-256. */
const SENDER = `
const { createHash, createCipheriv } = require("crypto");
const hash = createHash("sha256");
const source = createCipheriv("aes-256-ctr", Buffer.alloc(32, 5), Buffer.alloc(16));
const socket = require("net").connect(7000, process.argv[1]);
let left = ${MEGABYTES} * 1048576;
function write() {
  while (left > 0) {
    const data = source.update(Buffer.alloc(Math.min(left, 1 + (left * 7919) % 200000)));
    left -= data.length;
    hash.update(data);
    if (!socket.write(data)) return;
  }
  socket.end();
  left = NaN;
}
socket.on("connect", write);
socket.on("drain", write);
socket.on("close", () => process.stdout.write(hash.digest("hex")));
socket.resume();`;

interface Side {
  readonly namespace: Namespace;
  readonly tap: TestTap;
}

/**
 *   left: TCP ── tap ══ pump in this process ══ tap ── TCP :right
 */
describe.skipIf(!isRoot())(`kernel TCP between two TAPs${skipped}`, () => {
  let sides: Side[] = [];
  let pump: TapPump | undefined;
  afterEach(async () => {
    await pump?.stop();
    for (const { tap, namespace } of sides) {
      native().close(tap.fd);
      namespace.remove();
    }
    sides = [];
  });

  async function connect(vnet: boolean, inspect: (frame: Buffer) => void): Promise<[Side, Side]> {
    const namespaces = await createNamespaces(["left", "right"]);
    for (const namespace of namespaces) sides.push({ namespace, tap: await openTapIn(namespace, vnet) });
    const [left, right] = sides;
    if (left === undefined || right === undefined) throw new Error("no sides");
    for (const { namespace, tap } of sides) await namespace.ip(`link set ${tap.name} up`);
    pump = new TapPump(left.tap.fd, right.tap.fd, inspect);
    return [left, right];
  }

  async function transfer(left: Side, right: Side, address: string): Promise<void> {
    const receiver = right.namespace.spawn(["node", "-e", RECEIVER, address], { stdio: ["ignore", "pipe", "pipe"] });
    let received = "";
    receiver.stdout?.on("data", (data) => {
      received += data;
    });
    const ended = once(receiver, "close");
    if (receiver.stderr !== null) await once(receiver.stderr, "data");
    const sent = await left.namespace.exec(["node", "-e", SENDER, address]);
    await ended;
    expect(sent).toHaveLength(64);
    expect(received).toBe(sent);
  }

  it.for([
    { family: "IPv4", vnet: true, tag: null },
    { family: "IPv6", vnet: true, tag: null },
    { family: "IPv4", vnet: false, tag: null },
    { family: "IPv4", vnet: true, tag: "802.1q" },
    { family: "IPv6", vnet: true, tag: "802.1ad" },
  ])(
    "$family, vnet $vnet, VLAN $tag: nothing is changed and every frame is right",
    { timeout: 60_000 },
    async ({ family, vnet, tag }, { skip }) => {
      let wrong = 0;
      let longest = 0;
      let tagged = 0;
      const [left, right] = await connect(vnet, (frame) => {
        longest = Math.max(longest, frame.length);
        const parsed = parseFrame(frame);
        if (parsed === null) return;
        if (parsed.tags > 0) tagged++;
        if (!hasRightChecksums(parsed)) wrong++;
      });
      const v6 = family === "IPv6";
      const hosts = v6 ? ["fd00::1", "fd00::2"] : ["10.9.0.1", "10.9.0.2"];
      for (const [index, { namespace, tap }] of sides.entries()) {
        const device = tag === null ? tap.name : "vlan5";
        if (tag !== null && !(await addVlan(namespace, tap.name, tag))) {
          skip("this kernel has no VLAN devices (CONFIG_VLAN_8021Q)");
        }
        await namespace.ip(`addr add ${hosts[index]}/${v6 ? "64 nodad" : "24"} dev ${device}`);
      }
      await transfer(left, right, hosts[1] ?? "");
      expect(wrong).toBe(0);
      expect(longest).toBeLessThanOrEqual(1514 + (tag === null ? 0 : 4));
      expect(tagged > 0).toBe(tag !== null);
      const ports = pump?.ports;
      if (!vnet || ports === undefined) return;
      // Both directions of offload were at work: several frames per read and per write.
      expect(counterOf(ports, "tapReadFrames") / counterOf(ports, "tapReads")).toBeGreaterThan(2);
      expect(counterOf(ports, "tapWriteFrames") / counterOf(ports, "tapWrites")).toBeGreaterThan(2);
      expect(counterOf(ports, "tapReadMalformed")).toBe(0);
    },
  );
});

/** @returns false when the kernel knows no VLAN devices. */
async function addVlan(namespace: Namespace, device: string, protocol: string): Promise<boolean> {
  try {
    await namespace.ip(`link add link ${device} name vlan5 type vlan proto ${protocol} id 5`);
  } catch (error) {
    if (String(error).includes("Unknown device type")) return false;
    throw error;
  }
  await namespace.ip("link set vlan5 up");
  return true;
}
