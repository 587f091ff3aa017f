import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FeedbackRecorder, REPORTED_CONTROL_BYTES } from "../../src/aggregate/feedback-recorder.ts";
import { ReceivedLog } from "../../src/aggregate/received-log.ts";
import { ControlWriter, REPLAY_WINDOW } from "../../src/wire/index.ts";
import { arrivedIn, blocksOf } from "./feedback-harness.ts";

const CONTROL = -1;
const at = (ms: number) => Math.floor(ms * 250) % 2 ** 24;

function write(recorder: FeedbackRecorder, nowMs: number, capacityBytes = 1_200): Uint8Array | null {
  const pool = new Uint8Array(capacityBytes);
  const writer = new ControlWriter(pool);
  writer.begin(0, capacityBytes);
  return recorder.write(writer, nowMs) ? pool.slice(0, writer.lengthBytes) : null;
}

/** Sends whatever is due between two times. */
function writeDue(recorder: FeedbackRecorder, fromMs: number, untilMs: number): number[] {
  const times: number[] = [];
  while (recorder.dueMs <= untilMs) {
    const nowMs = Math.max(recorder.dueMs, times.at(-1) ?? fromMs);
    if (write(recorder, nowMs) === null) throw new Error("due, but with nothing to say");
    times.push(nowMs);
  }
  return times;
}

describe("the log of arrivals", () => {
  it("says the same as a set of counters would, whatever the order and the gaps", () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: -40, max: 4 }), fc.integer({ min: -9_000, max: 9_000 })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(fc.nat(2 ** 40), steps, fc.nat(9_000), (start, jumps, back) => {
        const log = new ReceivedLog();
        const seen = new Set<number>();
        let first = Number.POSITIVE_INFINITY;
        let counter = start;
        for (const jump of jumps) {
          counter = Math.max(0, (log.highest < 0 ? start : log.highest) + jump);
          if (counter <= log.highest - REPLAY_WINDOW) continue;
          log.add(counter);
          seen.add(counter);
          first = Math.min(first, counter);
        }
        if (log.highest < 0) return;
        const runs = new Int32Array(160);
        const count = log.runs(log.highest - back, runs);
        const expected: number[] = [];
        const end = Math.max(first, log.highest - back, log.highest - REPLAY_WINDOW + 1);
        for (let c = log.highest; c >= end; c--) {
          const isReceived = seen.has(c);
          if (isReceived === (expected.length % 2 === 1)) expected[expected.length - 1] = (expected.at(-1) ?? 0) + 1;
          else expected.push(1);
        }
        expect([...runs.subarray(0, count)]).toEqual(expected.slice(0, 160));
      }),
    );
  });
});

describe("the recorder", () => {
  it("reports each arrival in three messages, so that any two may be lost", () => {
    const arrivals = fc.array(
      fc.record({ path: fc.nat(2), jump: fc.integer({ min: -30, max: 3 }), gapMs: fc.nat(8) }),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(arrivals, (list) => {
        const recorder = new FeedbackRecorder();
        const highest = [100, 5_000, 2 ** 33];
        const reported = new Map<string, number>();
        const arrived = new Set<string>();
        let nowMs = 1_000;
        const report = () => {
          const message = write(recorder, nowMs);
          if (message === null) return;
          for (const block of blocksOf(message).blocks) {
            for (const counter of arrivedIn(block)) {
              const key = `${block.path} ${((counter % 2 ** 32) + 2 ** 32) % 2 ** 32}`;
              expect(arrived).toContain(key);
              reported.set(key, (reported.get(key) ?? 0) + 1);
            }
          }
        };
        for (const { path, jump, gapMs } of list) {
          nowMs += gapMs;
          const counter = (highest[path] ?? 0) + jump;
          highest[path] = Math.max(highest[path] ?? 0, counter);
          arrived.add(`${path} ${counter % 2 ** 32}`);
          recorder.onReceived(path, counter, 1_500, at(nowMs), nowMs);
          if (recorder.dueMs <= nowMs) report();
        }
        // Three more on each path, so that the last ones have been told thrice as well.
        for (let round = 0; round < 3; round++) {
          nowMs += 200;
          for (const path of [0, 1, 2]) {
            highest[path] = (highest[path] ?? 0) + 1;
            arrived.add(`${path} ${(highest[path] ?? 0) % 2 ** 32}`);
            recorder.onReceived(path, highest[path] ?? 0, 1_500, at(nowMs), nowMs);
          }
          report();
        }
        const twice = [...arrived].slice(0, -6).filter((key) => (reported.get(key) ?? 0) < 3);
        expect(twice).toEqual([]);
      }),
    );
  });

  it("tells when and how fast: highest, last, fastest, bytes", () => {
    const recorder = new FeedbackRecorder();
    recorder.onReceived(4, 70, 1_000, at(1_000 - 30), 1_000);
    recorder.onReceived(4, 72, 1_000, at(1_001 - 20), 1_001);
    recorder.onReceived(4, 73, 60, CONTROL, 1_002);
    recorder.onReceived(4, 71, 1_000, at(1_003 - 50), 1_003);
    expect(blocksOf(write(recorder, 1_004) ?? new Uint8Array())).toEqual({
      timeUnits: 251_000,
      blocks: [
        {
          path: 4,
          highestCounter: 73,
          heldUnits: 500,
          receivedBytes: 3_060,
          lastHeldUnits: 250,
          fastestBack: 1,
          fastestHeldUnits: 750,
          runs: [4],
        },
      ],
    });
  });

  it("compares delays across the wrap of send times", () => {
    const recorder = new FeedbackRecorder();
    const wrapMs = 2 ** 24 / 250;
    recorder.onReceived(0, 1, 1_000, at(wrapMs - 1), wrapMs + 30);
    recorder.onReceived(0, 2, 1_000, at(wrapMs + 1), wrapMs + 31);
    recorder.onReceived(0, 3, 1_000, at(wrapMs + 1), wrapMs + 32);
    expect(blocksOf(write(recorder, wrapMs + 32) ?? new Uint8Array()).blocks[0]).toMatchObject({ fastestBack: 1 });
  });

  it.each([
    ["at once when nothing was said for long", (r: FeedbackRecorder) => r.onReceived(0, 1, 1_500, 0, 5_000), 5_000],
    [
      "10 ms after the last message",
      (r: FeedbackRecorder) => {
        r.onReceived(0, 1, 1_500, 0, 4_999);
        write(r, 4_999);
        r.onReceived(0, 2, 1_500, 0, 5_000);
      },
      5_009,
    ],
    [
      "2 ms after a gap",
      (r: FeedbackRecorder) => {
        r.onReceived(0, 1, 1_500, 0, 4_997);
        write(r, 4_997);
        r.onReceived(0, 3, 1_500, 0, 5_000);
      },
      5_002,
    ],
    [
      "1 ms after the last message once 128 datagrams came",
      (r: FeedbackRecorder) => {
        r.onReceived(0, 1, 1_500, 0, 5_000);
        write(r, 5_000);
        for (let i = 2; i < 130; i++) r.onReceived(0, i, 1_500, 0, 5_000.5);
      },
      5_001,
    ],
    ["never for a control datagram", (r: FeedbackRecorder) => r.onReceived(0, 1, 300, CONTROL, 5_000), Infinity],
    [
      "for padding, which measures a line",
      (r: FeedbackRecorder) => r.onReceived(0, 1, REPORTED_CONTROL_BYTES, CONTROL, 5_000),
      5_000,
    ],
  ])("speaks %s", (_what, happen, dueMs) => {
    const recorder = new FeedbackRecorder();
    happen(recorder);
    expect(Math.max(recorder.dueMs, 5_000)).toBe(dueMs);
  });

  it("says the last news twice, then is silent", () => {
    const recorder = new FeedbackRecorder();
    recorder.onReceived(0, 1, 1_500, at(1_000), 1_000);
    expect(writeDue(recorder, 1_000, 60_000)).toEqual([1_000, 1_020]);
    expect(write(recorder, 60_000)).toBe(null);
  });

  it("says all that a path brought again while others bring news: what was said of it may have gone with it", () => {
    const recorder = new FeedbackRecorder();
    const told: number[] = [];
    for (let ms = 0; ms < 1_000; ms++) {
      if (ms < 100) recorder.onReceived(0, ms, 1_500, at(ms), ms);
      recorder.onReceived(1, ms, 1_500, at(ms), ms);
      if (recorder.dueMs > ms) continue;
      const { blocks } = blocksOf(write(recorder, ms) ?? new Uint8Array());
      const block = blocks.find(({ path }) => path === 0);
      if (ms < 120 || block === undefined) continue;
      expect(arrivedIn(block)).toHaveLength(100);
      told.push(ms);
    }
    expect(told).toHaveLength(4);
    expect(told[1]).toBeLessThan(200);
    expect(told[3]).toBeGreaterThan(300);
  });

  it("does not hurry for gaps on a line that reorders", () => {
    const recorder = new FeedbackRecorder();
    let count = 0;
    for (let i = 0; i < 400; i++) {
      // Each pair of datagrams comes in the other order.
      recorder.onReceived(0, i % 2 === 0 ? i + 1 : i - 1, 1_500, at(i), i);
      count += writeDue(recorder, i, i).length;
    }
    expect(count).toBeGreaterThan(35);
    expect(count).toBeLessThan(60);
  });

  it("goes on in another datagram when not all paths fit", () => {
    const recorder = new FeedbackRecorder();
    for (let path = 0; path < 30; path++) recorder.onReceived(path, 9, 1_500, at(1), 1);
    const paths: number[] = [];
    let messages = 0;
    while (recorder.dueMs <= 1) {
      messages++;
      paths.push(...blocksOf(write(recorder, 1, 200) ?? new Uint8Array()).blocks.map((block) => block.path));
    }
    expect(messages).toBeGreaterThan(1);
    expect([...paths].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, path) => path));
  });

  it("forgets all when the peer numbers anew", () => {
    const recorder = new FeedbackRecorder();
    recorder.onReceived(0, 100_000, 1_500, 0, 1);
    recorder.reset();
    expect(recorder.dueMs).toBe(Number.POSITIVE_INFINITY);
    recorder.onReceived(0, 3, 1_500, 0, 50);
    expect(blocksOf(write(recorder, 50) ?? new Uint8Array()).blocks[0]).toMatchObject({ highestCounter: 3, runs: [1] });
  });

  /** Datagrams of a constant rate, with random loss by a pattern, over ten seconds. */
  function costOf(kbps: number, pathCount: number, lossEvery: number, returnKbps: number) {
    const recorder = new FeedbackRecorder();
    recorder.returnBytesPerMs = returnKbps / 8;
    const counters = new Array<number>(pathCount).fill(0);
    const stepMs = (1_500 * 8) / kbps;
    let dataBytes = 0;
    let n = 0;
    let lastMs = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += stepMs) {
      writeDue(recorder, lastMs, nowMs);
      lastMs = nowMs;
      const path = n++ % pathCount;
      counters[path] = (counters[path] ?? 0) + (n % lossEvery === 0 ? 2 : 1);
      recorder.onReceived(path, counters[path] ?? 0, 1_500, at(nowMs - 20), nowMs);
      dataBytes += 1_500;
    }
    return {
      ratio: recorder.messageBytes / dataBytes,
      intervalMs: 10_000 / recorder.messageCount,
      returnRatio: (recorder.messageBytes * 8) / 10_000 / returnKbps,
    };
  }

  it("costs less than 2 % of what it reports on, from 0.5 Mbit/s up, and little of a narrow return path", () => {
    const rows: string[] = [];
    for (const [kbps, pathCount, lossEvery, returnKbps] of [
      [500, 1, 1e9, 1_000],
      [500, 1, 50, 1_000],
      [500, 3, 50, 1_000],
      [2_000, 1, 50, 1_000],
      [8_000, 1, 1e9, 500],
      [48_000, 6, 50, 3_000],
      [10_000, 2, 20, 2_000],
      [100_000, 2, 50, 20_000],
      [1_000_000, 2, 1e9, 100_000],
    ] as const) {
      const { ratio, intervalMs, returnRatio } = costOf(kbps, pathCount, lossEvery, returnKbps);
      expect(ratio).toBeLessThan(0.02);
      expect(returnRatio).toBeLessThan(0.065);
      const line = [`${kbps / 1_000}/${returnKbps / 1_000} Mbit/s`, `${pathCount} paths`, `1 of ${lossEvery} lost`];
      const figures = [`every ${intervalMs.toFixed(1)} ms`, `${(ratio * 100).toFixed(2)} %`];
      rows.push([...line, ...figures, `${(returnRatio * 100).toFixed(1)} % of the return path`].join(", "));
    }
    expect(rows).toMatchInlineSnapshot(`
      [
        "0.5/1 Mbit/s, 1 paths, 1 of 1000000000 lost, every 82.0 ms, 1.66 %, 0.8 % of the return path",
        "0.5/1 Mbit/s, 1 paths, 1 of 50 lost, every 83.3 ms, 1.67 %, 0.8 % of the return path",
        "0.5/1 Mbit/s, 3 paths, 1 of 50 lost, every 102.0 ms, 1.90 %, 0.9 % of the return path",
        "2/1 Mbit/s, 1 paths, 1 of 50 lost, every 21.7 ms, 1.54 %, 3.1 % of the return path",
        "8/0.5 Mbit/s, 1 paths, 1 of 1000000000 lost, every 27.0 ms, 0.31 %, 5.0 % of the return path",
        "48/3 Mbit/s, 6 paths, 1 of 50 lost, every 8.3 ms, 0.35 %, 5.6 % of the return path",
        "10/2 Mbit/s, 2 paths, 1 of 20 lost, every 9.2 ms, 0.91 %, 4.5 % of the return path",
        "100/20 Mbit/s, 2 paths, 1 of 50 lost, every 6.0 ms, 0.14 %, 0.7 % of the return path",
        "1000/100 Mbit/s, 2 paths, 1 of 1000000000 lost, every 1.5 ms, 0.05 %, 0.5 % of the return path",
      ]
    `);
  });
});
