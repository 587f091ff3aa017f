import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ControlReader,
  type ControlSink,
  ControlWriter,
  type DelayedReply,
  type Load,
  OBSERVE_BYTES,
  type Observe,
  type Observed,
  parseEndpoint,
} from "../../src/wire/index.ts";

interface Golden {
  readonly observe: string;
  readonly observed: string;
  readonly delayedReply: string;
  readonly load: string;
  readonly train: string;
}
const file = new URL("../../../../test/vectors/golden-measurements.json", import.meta.url);
const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;

const HEADER_BYTES = 3;
const seen = parseEndpoint("[2001:db8::7]:40321") ?? new Int32Array(12);
const observe: Observe = { id: 0x01020304, time: 0x05060708, train: 0x090a0b0c, flags: 1 };
const observed: Observed = {
  id: 0x01020304,
  time: 0x05060708,
  train: 0x090a0b0c,
  received: 321,
  bytes: 449_400,
  spanUs: 123_456,
  wallMs: 1_800_000_000_123,
  token: 0xfedcba98,
  secondPort: 51901,
  version: [0, 1, 2],
  seen,
};
const delayed: DelayedReply = { id: 0x01020304, time: 0x05060708, waitMs: 40_000, token: 0xfedcba98 };
const load: Load = { train: 7, token: 0xfedcba98, rateKbps: 250_000, bytes: 1_000_000, sizeBytes: 1400 };

function readAll(bytes: Uint8Array): { calls: [string, ...unknown[]][]; reader: ControlReader } {
  const calls: [string, ...unknown[]][] = [];
  const handler = {
    get:
      (_: object, name: string) =>
      (...args: unknown[]) =>
        calls.push([name, ...args]),
  };
  const reader = new ControlReader(bytes);
  reader.read(0, bytes.byteLength, new Proxy({}, handler) as ControlSink);
  return { calls, reader };
}

function written(write: (writer: ControlWriter) => boolean): Uint8Array {
  const pool = new Uint8Array(1600).fill(0xaa);
  const writer = new ControlWriter(pool);
  writer.begin(0, 1500);
  expect(write(writer)).toBe(true);
  return pool.slice(0, writer.lengthBytes);
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("messages that measure a line", () => {
  it.each<[keyof Golden, (writer: ControlWriter) => boolean, [string, ...unknown[]]]>([
    ["observe", (writer) => writer.observe(observe), ["onObserve", observe]],
    ["observed", (writer) => writer.observed(observed), ["onObserved", observed]],
    ["delayedReply", (writer) => writer.delayedReply(delayed), ["onDelayedReply", delayed]],
    ["load", (writer) => writer.load(load), ["onLoad", load]],
    ["train", (writer) => writer.train(7, 300, 32), ["onTrain", 7, 300]],
  ])("%s is written and read as in the golden vectors", (name, write, call) => {
    expect(hex(written(write))).toBe(golden[name]);
    expect(readAll(Uint8Array.from(Buffer.from(golden[name], "hex"))).calls).toEqual([call]);
  });

  it("are as long as their answers, so that asking gains nobody anything", () => {
    const questions = [written((writer) => writer.observe(observe)), written((writer) => writer.delayedReply(delayed))];
    const answer = written((writer) => writer.observed(observed));
    expect(answer.byteLength).toBe(HEADER_BYTES + OBSERVE_BYTES);
    for (const question of questions) expect(question.byteLength).toBe(answer.byteLength);
  });

  it("that are cut are counted, never thrown", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(golden)), fc.nat(63), (text, keptBytes) => {
        const whole = Uint8Array.from(Buffer.from(text, "hex"));
        const { calls, reader } = readAll(whole.slice(0, Math.min(keptBytes, whole.byteLength - 1)));
        expect(calls).toEqual([]);
        expect(reader.malformedMessages).toBe(keptBytes === 0 ? 0 : 1);
      }),
    );
  });

  it("make every datagram of a train as long as wanted", () => {
    fc.assert(
      fc.property(fc.integer({ min: 11, max: 1460 }), (totalBytes) => {
        expect(written((writer) => writer.train(1, 2, totalBytes)).byteLength).toBe(totalBytes);
      }),
    );
  });
});
