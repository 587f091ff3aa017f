import { writeSync } from "node:fs";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { isRoot, type Namespace } from "../../../../test/support/netns.ts";
import { native } from "../../src/io/index.ts";
import {
  ACK,
  CWR,
  ECE,
  FIN,
  hasRightChecksums,
  PSH,
  parseFrame,
  SYN,
  superFrame,
  TPID_8021AD,
  TPID_8021Q,
  tcpFrame,
  udpFrame,
} from "./frames.ts";
import { bridgedTaps, bridgeTaps, counterOf, newPorts, readFrames, type TestTap } from "./tap-pair.ts";
import { fill, slots } from "./vectors.ts";

const skipped = isRoot() ? "" : " (skipped: needs root)";
const kinds: readonly { name: string; v6: boolean; tags: readonly number[] }[] = [
  { name: "IPv4", v6: false, tags: [] },
  { name: "IPv6", v6: true, tags: [] },
  { name: "IPv4 in 802.1Q", v6: false, tags: [TPID_8021Q] },
  { name: "IPv6 in 802.1Q", v6: true, tags: [TPID_8021Q] },
  { name: "IPv4 in 802.1ad and 802.1Q", v6: false, tags: [TPID_8021AD, TPID_8021Q] },
];

/**
 *   test ── into ── br0 ── outOf ── test       The bridge passes joined frames on as they are when both TAPs take
 *           (joins)        (cuts)              them, and its kernel cuts them when outOf has no vnet header.
 */
describe.skipIf(!isRoot()).each([
  { into: true, outOf: true },
  { into: true, outOf: false },
  { into: false, outOf: true },
  { into: false, outOf: false },
])(`frames through a bridge, vnet %o${skipped}`, ({ into: vnetIn, outOf: vnetOut }) => {
  let into: TestTap;
  let outOf: TestTap;
  let namespace: Namespace;
  beforeAll(async () => {
    ({ into, outOf, namespace } = await bridgedTaps(vnetIn, vnetOut));
  });
  afterAll(() => {
    for (const tap of [into, outOf]) native().close(tap.fd);
    namespace.remove();
  });

  async function pass(frames: readonly Buffer[]) {
    const ports = newPorts();
    const descriptors = slots(0, frames.length);
    const selection = fill(ports, descriptors, frames);
    expect(ports.tapWrite(into.fd, descriptors, selection, frames.length)).toBe(frames.length);
    const received = await readFrames(ports, outOf.fd, (got) => got.length >= frames.length);
    return { ports, received };
  }

  it.each(kinds)("$name: a full window of one flow comes out as it went in", async ({ v6, tags }) => {
    const frames = Array.from({ length: 200 }, (_, i) =>
      tcpFrame({
        v6,
        tags,
        port: 5000,
        sequence: (0xffffff00 + i * 1400) >>> 0,
        identification: 65500 + i,
        flags: i === 199 ? ACK | PSH : ACK,
        payload: Buffer.alloc(i === 199 ? 777 : 1400, `${i}.`),
      }),
    );
    const { ports, received } = await pass(frames);
    expect(received.map((frame) => frame.toString("hex"))).toEqual(frames.map((frame) => frame.toString("hex")));
    expect(counterOf(ports, "tapWrites")).toBe(vnetIn ? 5 : 200); // 46 or 45 segments are the most below 64 KiB
    if (vnetIn && vnetOut) expect(counterOf(ports, "tapReads")).toBeLessThanOrEqual(6);
    if (!vnetOut) expect(counterOf(ports, "tapReads")).toBeGreaterThanOrEqual(200);
  });

  it.each([
    ["FIN", ACK | FIN],
    ["SYN", ACK | SYN],
    ["CWR", ACK | CWR],
    ["no ACK", 0],
  ])("segments with %s stay apart", async (_name, flags) => {
    const frames = [0, 1, 2].map((i) =>
      tcpFrame({ v6: true, port: 5001, sequence: i * 100, flags, payload: Buffer.alloc(100, `${i}.`) }),
    );
    const { ports, received } = await pass(frames);
    expect(received).toEqual(frames);
    expect(counterOf(ports, "tapWrites")).toBe(3);
  });

  it("a fragment is not overtaken by segments of its flow", async () => {
    const frames = [0, 0, 1].map((i) =>
      tcpFrame({ v6: false, port: 5002, sequence: i * 100, flags: ACK, payload: Buffer.alloc(100, `${i}.`) }),
    );
    frames[1]?.writeUInt8(0x60, 14 + 6); // "more fragments"
    const { received } = await pass(frames);
    expect(received).toEqual(frames);
  });

  it("any mixture of flows, sizes, flags and damage comes out unchanged, in order within each flow", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrarySegment, { minLength: 1, maxLength: 120 }), async (segments) => {
        const frames = buildFlows(segments);
        const { received } = await pass(frames);
        expect(byFlow(received)).toEqual(byFlow(frames));
      }),
      { numRuns: 60 },
    );
  });
});

const mostly = <T>(usual: T, ...rare: T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, fc.constantFrom(...rare));

/** One step of one of the flows; most steps go on from the one before and could be joined with it. */
const arbitrarySegment = fc.record({
  flow: fc.integer({ min: 0, max: kinds.length - 1 }),
  bytes: fc.oneof({ weight: 8, arbitrary: fc.constant(700) }, fc.integer({ min: 0, max: 1400 })),
  flags: mostly(ACK, ACK | PSH, ACK | FIN, ACK | ECE, ACK | CWR, ACK | FIN | PSH),
  gap: mostly(0, 1, 700, -700),
  tos: mostly(0, 2, 3, 0xb8),
  timestamp: mostly(1, 2),
  /** Of flow 0 alone, whose packets may be fragmented, so that their identifications say something. */
  skippedIdentifications: mostly(0, 3),
  damage: mostly<"none" | "tcp" | "ip" | "fragment">("none", "tcp", "ip", "fragment"),
});
type Segment = typeof arbitrarySegment extends fc.Arbitrary<infer T> ? T : never;

/** Frames of the flows' steps; the flow number is in the source port. */
function buildFlows(segments: readonly Segment[]): Buffer[] {
  const next = new Map<number, { sequence: number; identification: number }>();
  return segments.map((segment, i) => {
    const kind = kinds[segment.flow] ?? { v6: false, tags: [] };
    const port = 6000 + segment.flow;
    const state = next.get(port) ?? { sequence: 1000, identification: 1 };
    const sequence = state.sequence + segment.gap;
    const dontFragment = segment.flow !== 0;
    const identification = state.identification + (dontFragment ? 0 : segment.skippedIdentifications);
    next.set(port, { sequence: sequence + segment.bytes, identification: identification + 1 });
    const payload = Buffer.alloc(segment.bytes, `${i},`);
    const frame = tcpFrame({ ...kind, ...segment, port, sequence, identification, dontFragment, payload });
    const ip = 14 + kind.tags.length * 4;
    if (segment.damage === "tcp") frame.writeUInt16BE(frame.readUInt16BE(frame.length - 2) ^ 0x0101, frame.length - 2);
    if (segment.damage === "ip" && !kind.v6) frame.writeUInt8(63, ip + 8);
    if (segment.damage === "fragment" && !kind.v6) markFragment(frame, ip, dontFragment);
    return frame;
  });
}

/** Sets "more fragments" and mends the checksum (RFC 1624). */
function markFragment(frame: Buffer, ip: number, dontFragment: boolean): void {
  frame.writeUInt16BE(0x2000, ip + 6);
  const checksum = frame.readUInt16BE(ip + 10) - (dontFragment ? 0x2000 - 0x4000 : 0x2000);
  frame.writeUInt16BE(checksum < 0 ? checksum + 0xffff : checksum > 0xffff ? checksum - 0xffff : checksum, ip + 10);
}

function byFlow(frames: readonly Buffer[]): Record<string, string[]> {
  const flows: Record<string, string[]> = {};
  for (const frame of frames) {
    const port = parseFrame(frame)?.transport.readUInt16BE(0) ?? 0;
    flows[port] ??= [];
    flows[port].push(frame.toString("hex"));
  }
  return flows;
}

/**
 *   test ── into ── br0 ── cut by us ── test
 *                    └──── cut by the kernel ── test
 */
describe.skipIf(!isRoot())(`super-frames${skipped}`, () => {
  let bridge: Awaited<ReturnType<typeof bridgeTaps>>;
  beforeAll(async () => {
    bridge = await bridgeTaps(true, true, false);
  });
  afterAll(() => {
    for (const tap of bridge.taps) native().close(tap.fd);
    bridge.namespace.remove();
  });

  it("are cut by us as the kernel cuts them", async () => {
    const [into, ours, kernels] = bridge.taps as [TestTap, TestTap, TestTap];
    const cases = fc.record({
      kind: fc.constantFrom(...kinds),
      protocol: fc.constantFrom(...(ours.offloads.uso ? (["tcp", "udp"] as const) : (["tcp"] as const))),
      flags: fc.constantFrom(ACK, ACK | PSH, ACK | FIN | PSH, ACK | CWR, ACK | CWR | ECE | PSH),
      gsoBytes: fc.integer({ min: 500, max: 1400 }),
      segments: fc.integer({ min: 2, max: 44 }),
      lastBytes: fc.integer({ min: 1, max: 500 }),
      identification: fc.constantFrom(0, 7, 65530),
      sequence: fc.constantFrom(0, 0x7fffff00, 0xffffff00),
    });
    const property = fc.asyncProperty(cases, async (chosen) => {
      const { kind, gsoBytes, segments, lastBytes } = chosen;
      const payload = Buffer.alloc(gsoBytes * (segments - 1) + lastBytes, `${gsoBytes}-`);
      const fields = { ...chosen, ...kind, port: 9, payload };
      const whole = chosen.protocol === "tcp" ? tcpFrame(fields) : udpFrame(fields);
      writeSync(into.fd, superFrame(whole, gsoBytes));
      const expected = await readFrames(newPorts(), kernels.fd, (frames) => frames.length >= segments);
      const cut = await readFrames(newPorts(), ours.fd, (frames) => frames.length >= segments);
      expect(expected).toHaveLength(segments);
      expect(cut.map((frame) => frame.toString("hex"))).toEqual(expected.map((frame) => frame.toString("hex")));
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it("whose segments fit no slot are refused and counted, and the next frame comes through", async () => {
    const [into, ours] = bridge.taps as [TestTap, TestTap];
    for (const name of ["br0", ...bridge.taps.map((tap) => tap.name)])
      await bridge.namespace.ip(`link set ${name} mtu 9000`);
    const frame = tcpFrame({ v6: false, port: 9, sequence: 1, flags: ACK, payload: Buffer.alloc(20_000) });
    const small = tcpFrame({ v6: false, port: 9, sequence: 1, flags: ACK, payload: Buffer.alloc(20) });
    writeSync(into.fd, superFrame(frame, 8000));
    writeSync(into.fd, Buffer.concat([Buffer.alloc(10), small]));
    const ports = newPorts();
    expect(await readFrames(ports, ours.fd, (frames) => frames.length > 0)).toEqual([small]);
    expect(counterOf(ports, "tapReadMalformed")).toBe(1);
  });
});

describe.skipIf(!isRoot())(`bad frames and arguments${skipped}`, () => {
  let pair: Awaited<ReturnType<typeof bridgedTaps>> | undefined;
  afterEach(() => {
    for (const fd of [pair?.into.fd, pair?.outOf.fd]) if (fd !== undefined) native().close(fd);
    pair?.namespace.remove();
    pair = undefined;
  });

  it("frames longer than a slot are dropped and counted, those behind them come through", async () => {
    pair = await bridgedTaps(true, true);
    for (const { name } of [pair.into, pair.outOf]) await pair.namespace.ip(`link set ${name} mtu 9000`);
    await pair.namespace.ip("link set br0 mtu 9000");
    const ports = newPorts();
    const short = Buffer.alloc(200, 2);
    short.writeUInt8(4, 0); // sent to another than it is from
    short.writeUInt16BE(0x88b5, 12);
    const long = Buffer.concat([short, Buffer.alloc(3000)]);
    const descriptors = new Int32Array(slots(0, 8));
    [long, short].forEach((frame, i) => {
      ports.pool.set(frame, i * 8192);
      descriptors.set([i * 8192, frame.length], i * 4);
    });
    expect(ports.tapWrite(pair.into.fd, descriptors, Int32Array.of(0, 1), 2)).toBe(2);
    const received = await readFrames(ports, pair.outOf.fd, (frames) => frames.length > 0);
    expect(received).toEqual([short]);
    expect(counterOf(ports, "tapReadTooLong")).toBe(1);
  });

  it("a device that is down, gone or none of ours answers with an errno or a count, never a crash", async () => {
    pair = await bridgedTaps(true, true);
    const ports = newPorts();
    const descriptors = slots(0, 2);
    const selection = fill(ports, descriptors, [Buffer.alloc(60), Buffer.alloc(60)]);
    expect(ports.tapRead(0, descriptors, 2)).toBe(-9);
    expect(ports.tapWrite(-1, descriptors, selection, 2)).toBe(-9);
    expect(ports.tapRead(pair.into.fd, descriptors, 3)).toBe(-22);
    expect(ports.tapWrite(pair.into.fd, descriptors, Int32Array.of(-1, 99, 1), 3)).toBe(1);
    expect(counterOf(ports, "badDescriptors")).toBe(2);
    await pair.namespace.ip(`link set ${pair.into.name} down`);
    expect(ports.tapWrite(pair.into.fd, descriptors, selection, 2)).toBe(0);
    expect(counterOf(ports, "tapWriteRefused")).toBe(2);
    await pair.namespace.ip(`link del ${pair.into.name}`);
    expect(ports.tapRead(pair.into.fd, descriptors, 2)).toBeLessThan(0);
    expect(ports.tapWrite(pair.into.fd, descriptors, selection, 2)).toBe(0);
  });
});

describe("frames made for these tests", () => {
  it.each(kinds)("are right in themselves: $name", ({ v6, tags }) => {
    const frame = tcpFrame({ v6, tags, port: 1, sequence: 1, flags: ACK, payload: Buffer.from("odd") });
    const parsed = parseFrame(frame);
    expect(parsed).toMatchObject({ v6, tags: tags.length, protocol: 6, payload: Buffer.from("odd") });
    expect(parsed !== null && hasRightChecksums(parsed)).toBe(true);
  });
});
