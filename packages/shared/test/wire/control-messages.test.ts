import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ControlReader,
  type ControlSink,
  ControlWriter,
  MAX_ATTACH_BYTES,
  MAX_CONFIG_BYTES,
} from "../../src/wire/index.ts";

/** Feedback and what measures lines have tests of their own. */
type Measuring = "onObserve" | "onObserved" | "onDelayedReply" | "onLoad" | "onTrain";
type Message = Exclude<keyof ControlSink, "onFeedback" | Measuring>;
type Call = [Message, ...(number | string)[]];

const writers: Record<Message, keyof ControlWriter> = {
  onProbe: "probe",
  onProbeReply: "probeReply",
  onAttach: "attach",
  onAttachAck: "attachAck",
  onDetach: "detach",
  onConfig: "config",
  onConfigAck: "configAck",
  onClose: "close",
  onMtuProbe: "mtuProbe",
  onMtuAck: "mtuAck",
  onBondMtu: "bondMtu",
  onHeld: "held",
  onEnrol: "enrol",
  onEnrolReply: "enrolReply",
};

function logSink(log: Call[]): ControlSink {
  const entries = Object.keys(writers).map((name) => [name, (...args: number[]) => log.push([name, ...args] as Call)]);
  return { onFeedback: () => {}, ...Object.fromEntries(entries) } as ControlSink;
}

function write(writer: ControlWriter, [name, ...args]: Call): boolean {
  return (writer[writers[name]] as (...args: (number | string)[]) => boolean).apply(writer, args);
}

function read(pool: Uint8Array, offset: number, length: number): { log: Call[]; reader: ControlReader } {
  const log: Call[] = [];
  const reader = new ControlReader(pool);
  reader.read(offset, length, logSink(log));
  return { log, reader };
}

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const u48 = fc.nat(0xffffffffffff);
const pathMask = fc.nat(0x3fffffff);
const text = fc.string({ unit: "grapheme", maxLength: 40 });
const calls: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(fc.constant("onProbe" as const), u32),
  fc.tuple(fc.constant("onProbeReply" as const), u32, u32, u48, u48),
  fc.tuple(fc.constantFrom("onAttach" as const, "onConfig" as const), u32, text),
  fc.tuple(fc.constantFrom("onEnrol" as const, "onEnrolReply" as const), u32, text),
  fc.tuple(fc.constantFrom("onAttachAck" as const, "onConfigAck" as const), u32),
  fc.tuple(fc.constant("onHeld" as const), pathMask, pathMask),
  fc.tuple(fc.constant("onDetach" as const)),
  fc.tuple(fc.constant("onClose" as const), u8),
  fc.tuple(fc.constantFrom("onMtuProbe" as const, "onMtuAck" as const), u32, u16),
  fc.tuple(fc.constant("onBondMtu" as const), u16),
);

describe("control messages", () => {
  it("come back as written, in order, whatever of them fits", () => {
    fc.assert(
      fc.property(fc.array(calls), fc.nat(9), fc.nat(400), (messages, offset, capacity) => {
        const pool = new Uint8Array(512).fill(0xaa);
        const writer = new ControlWriter(pool);
        writer.begin(offset, capacity);
        const written = messages.filter((message) => write(writer, message));
        const { log, reader } = read(pool, offset, writer.lengthBytes);
        expect(log).toEqual(written);
        expect(reader).toMatchObject({ unknownMessages: 0, malformedMessages: 0 });
        expect(pool.subarray(offset + capacity).every((byte) => byte === 0xaa)).toBe(true);
      }),
    );
  });

  it("pad to any size that leaves room for the padding's own header", () => {
    const pool = new Uint8Array(1500).fill(0xaa);
    const writer = new ControlWriter(pool);
    writer.begin(0, 1400);
    writer.mtuProbe(7, 1432);
    expect([writer.padTo(10), writer.padTo(11), writer.padTo(1401), writer.padTo(1400)]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(writer.padTo(1400)).toBe(true);
    expect(pool.subarray(12, 1400).every((byte) => byte === 0)).toBe(true);
    expect(read(pool, 0, writer.lengthBytes).log).toEqual([["onMtuProbe", 7, 1432]]);
  });

  it("refuse text that is longer than a small line carries", () => {
    const writer = new ControlWriter(new Uint8Array(4000));
    writer.begin(0, 4000);
    expect(writer.attach(1, "x".repeat(MAX_ATTACH_BYTES + 1))).toBe(false);
    expect(writer.config(1, "ü".repeat(MAX_CONFIG_BYTES / 2 + 1))).toBe(false);
    expect(writer.enrol(1, "x".repeat(MAX_CONFIG_BYTES + 1))).toBe(false);
    expect(writer.lengthBytes).toBe(0);
    expect(writer.attach(1, "x".repeat(MAX_ATTACH_BYTES))).toBe(true);
    expect(writer.config(1, "ü".repeat(MAX_CONFIG_BYTES / 2))).toBe(true);
  });
});

describe("control messages from the net", () => {
  it.each([
    ["an unknown type is skipped", "ff0200abcd" + "050000", [["onDetach"]], 1, 0],
    ["a body cut off ends the datagram", "050000" + "010400aabbcc", [["onDetach"]], 0, 1],
    ["a header cut off ends the datagram", "050000" + "0100", [["onDetach"]], 0, 1],
    ["a body too short for its type is skipped", "010300aabbcc" + "050000", [["onDetach"]], 0, 1],
    ["a body longer than this version knows is taken", "010600" + "01000000ffff", [["onProbe", 1]], 0, 0],
    ["text that is no UTF-8 is skipped", "030600" + "01000000c328" + "050000", [["onDetach"]], 0, 1],
    ["text that is too long is skipped", `030502${"00".repeat(0x205)}`, [], 0, 1],
    ["an invite's request that is too long is skipped", `0dad04${"00".repeat(0x4ad)}`, [], 0, 1],
    ["an empty datagram is a keepalive", "", [], 0, 0],
  ])("%s", (_what, hex, expected, unknown, malformed) => {
    const bytes = Buffer.from(hex, "hex");
    const { log, reader } = read(bytes, 0, bytes.length);
    expect(log).toEqual(expected);
    expect(reader).toMatchObject({ unknownMessages: unknown, malformedMessages: malformed });
  });

  it("never make it throw nor read beyond the datagram", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, behind) => {
        const pool = new Uint8Array(bytes.length + behind).fill(0x05);
        pool.set(bytes);
        expect(read(pool, 0, bytes.length).log).toEqual(read(bytes, 0, bytes.length).log);
      }),
      { numRuns: 1000 },
    );
  });
});
