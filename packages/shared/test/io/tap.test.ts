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
  type TcpFrame,
  TPID_8021AD,
  TPID_8021Q,
  tcpFrame,
} from "./frames.ts";
import { bridgedTaps, counterOf, newPorts, readFrames, type TestTap } from "./tap-pair.ts";
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

  it("any mixture of flows, sizes, flags and damage comes out unchanged, in order within each flow", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrarySegment, { minLength: 1, maxLength: 120 }), async (segments) => {
        const frames = buildFlows(segments);
        const { received } = await pass(frames);
        expect(byFlow(received)).toEqual(byFlow(frames));
      }),
      { numRuns: 30 },
    );
  });
});

/** One step of one of three flows. */
const arbitrarySegment = fc.record({
  flow: fc.integer({ min: 0, max: 2 }),
  kind: fc.integer({ min: 0, max: kinds.length - 1 }),
  bytes: fc.oneof({ weight: 4, arbitrary: fc.constant(1200) }, fc.integer({ min: 0, max: 1400 })),
  flags: fc.oneof(
    { weight: 6, arbitrary: fc.constant(ACK) },
    fc.constantFrom(ACK | PSH, ACK | FIN, ACK | ECE, ACK | CWR, ACK | FIN | PSH),
  ),
  gap: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(1, 1200, -1200)),
  tos: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.constantFrom(2, 3, 0xb8)),
  timestamp: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.constant(2)),
  dontFragment: fc.boolean(),
  damage: fc.oneof({ weight: 9, arbitrary: fc.constant("none" as const) }, fc.constantFrom("tcp", "ip")),
});
type Segment = typeof arbitrarySegment extends fc.Arbitrary<infer T> ? T : never;

/** Frames of the flows' steps; the flow number is in the source port. */
function buildFlows(segments: readonly Segment[]): Buffer[] {
  const next = new Map<number, { sequence: number; identification: number }>();
  return segments.map((segment, i) => {
    const kind = kinds[segment.kind] ?? { v6: false, tags: [] };
    const port = 6000 + segment.flow * kinds.length + segment.kind;
    const state = next.get(port) ?? { sequence: 1000, identification: 1 };
    const sequence = state.sequence + segment.gap;
    next.set(port, { sequence: sequence + segment.bytes, identification: state.identification + 1 });
    const fields: TcpFrame = {
      ...kind,
      ...segment,
      ...state,
      port,
      sequence,
      payload: Buffer.alloc(segment.bytes, `${i},`),
    };
    const frame = tcpFrame(fields);
    if (segment.damage === "tcp") frame.writeUInt16BE(frame.readUInt16BE(frame.length - 2) ^ 0x0101, frame.length - 2);
    if (segment.damage === "ip" && !kind.v6) frame.writeUInt8(63, 14 + kind.tags.length * 4 + 8);
    return frame;
  });
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
