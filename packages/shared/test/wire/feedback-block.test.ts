import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ControlReader,
  type ControlSink,
  ControlWriter,
  FeedbackBlock,
  type FeedbackReader,
  MAX_FEEDBACK_RUNS,
} from "../../src/wire/index.ts";

interface Block {
  path: number;
  highestCounter: number;
  heldUnits: number;
  receivedBytes: number;
  lastHeldUnits: number;
  fastestBack: number;
  fastestHeldUnits: number;
  runs: number[];
}

const varint = fc.oneof(fc.nat(300), fc.nat(0xfffffff));
const blocks: fc.Arbitrary<Block> = fc.record({
  path: fc.nat(29),
  highestCounter: fc.nat(0xffffffff),
  heldUnits: varint,
  receivedBytes: fc.nat(0xffffffff),
  lastHeldUnits: varint,
  fastestBack: varint,
  fastestHeldUnits: varint,
  runs: fc.array(fc.integer({ min: 1, max: 51 }), {
    minLength: 1,
    maxLength: MAX_FEEDBACK_RUNS,
    size: "max",
  }),
});

function fill({ runs, ...rest }: Block): FeedbackBlock {
  const block = Object.assign(new FeedbackBlock(), rest, { runCount: runs.length });
  block.runs.set(runs);
  return block;
}

function read(pool: Uint8Array, offset: number, length: number) {
  const got: Block[] = [];
  const times: number[] = [];
  let otherCount = 0;
  const sink = new Proxy({} as ControlSink, {
    get: (_target, name) => (feedback: FeedbackReader) => {
      if (name !== "onFeedback") otherCount++;
      else {
        times.push(feedback.timeUnits);
        while (feedback.next()) {
          const { runs, runCount, ...rest } = feedback.block;
          got.push({ ...rest, runs: [...runs.subarray(0, runCount)] });
        }
      }
    },
  });
  const reader = new ControlReader(pool);
  reader.read(offset, length, sink);
  return { got, times, otherCount, malformed: reader.malformedMessages };
}

describe("feedback", () => {
  it("comes back as written, as many blocks as fit, between other messages", () => {
    fc.assert(
      fc.property(fc.array(blocks, { maxLength: 6 }), fc.nat(0xffffffff), fc.nat(7), (sent, timeUnits, offset) => {
        const pool = new Uint8Array(1200).fill(0xaa);
        const writer = new ControlWriter(pool);
        writer.begin(offset, 1000);
        writer.probe(1);
        expect(writer.feedback(timeUnits)).toBe(true);
        const written = sent.filter((block) => writer.feedbackBlock(fill(block)));
        const hasRoom = writer.probe(2);
        expect(read(pool, offset, writer.lengthBytes)).toEqual({
          got: written,
          times: [timeUnits],
          otherCount: hasRoom ? 2 : 1,
          malformed: 0,
        });
        expect(pool.subarray(offset + 1000).every((byte) => byte === 0xaa)).toBe(true);
      }),
    );
  });

  it("is these bytes", () => {
    const pool = new Uint8Array(64);
    const writer = new ControlWriter(pool);
    writer.begin(0, 64);
    writer.feedback(0x04030201);
    writer.feedbackBlock(
      fill({
        path: 5,
        highestCounter: 0x0d0c0b0a,
        heldUnits: 300,
        receivedBytes: 0x14131211,
        lastHeldUnits: 255,
        fastestBack: 2,
        fastestHeldUnits: 0x4000,
        runs: [200, 1, 7],
      }),
    );
    expect(Buffer.from(pool.subarray(0, writer.lengthBytes)).toString("hex")).toBe(
      "0c1a00" +
        "01020304" +
        "05" +
        "0a0b0c0d" +
        "11121314" +
        "03" +
        "ac02" +
        "ff01" +
        "02" +
        "808001" +
        "c801" +
        "01" +
        "07",
    );
  });

  const time = "01020304";
  const fixed = (path: string, runCount: string) => `${path}0a0b0c0d11121314${runCount}`;
  it.each([
    ["a time cut off", "010203", 0, 1],
    ["no block", time, 0, 0],
    ["a block cut off in its fixed part", `${time}050a0b0c0d11121314`, 0, 1],
    ["a block cut off in a run", `${time}${fixed("05", "01")}0000000080`, 0, 1],
    ["a path that cannot be", `${time}${fixed("1e", "01")}0000000007`, 0, 1],
    ["no run at all", `${time}${fixed("05", "00")}00000000`, 0, 1],
    ["a run of nothing", `${time}${fixed("05", "02")}000000000700`, 0, 1],
    ["more runs than are read", `${time}${fixed("05", "a1")}00000000${"01".repeat(0xa1)}`, 0, 1],
    ["runs longer than a replay window", `${time}${fixed("05", "02")}00000000804001`, 0, 1],
    ["runs as long as a replay window", `${time}${fixed("05", "01")}000000008040`, 1, 0],
    ["a number without end", `${time}${fixed("05", "01")}808080800107`, 0, 1],
    ["a good block before a bad one", `${time}${fixed("05", "01")}0000000007ff`, 1, 1],
  ])("with %s is counted, and what came before is used", (_what, hex, blockCount, malformed) => {
    const body = Buffer.from(hex, "hex");
    const bytes = Buffer.concat([Buffer.from([12, body.length, 0]), body]);
    const { got, malformed: counted } = read(bytes, 0, bytes.length);
    expect([got.length, counted]).toEqual([blockCount, malformed]);
  });

  it("of any bytes makes nobody throw or read beyond the message", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 300 }), (body) => {
        const bytes = new Uint8Array([12, body.length & 0xff, body.length >> 8, ...body]);
        const padded = new Uint8Array(bytes.length + 40).fill(0x01);
        padded.set(bytes);
        expect(read(padded, 0, bytes.length)).toEqual(read(bytes, 0, bytes.length));
      }),
      { numRuns: 1000 },
    );
  });
});
