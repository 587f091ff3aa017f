import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageOf, readFeedback } from "./feedback-harness.ts";
import { BYTES, SenderHarness } from "./sender-harness.ts";

function refusedBy(bond: SenderHarness): Record<string, number> {
  return Object.fromEntries(Object.entries(bond.sender.totals().refusedFeedback).filter(([, count]) => count > 0));
}

/** Eight frames on path 0, six of them acknowledged 20 ms later, and it is 10 ms later again. */
function started(): SenderHarness {
  const bond = new SenderHarness([{}]);
  bond.send(8);
  bond.nowMs += 20;
  bond.ack(0, 5);
  bond.nowMs += 10;
  return bond;
}

describe("feedback that cannot be true is refused and counted, and changes nothing", () => {
  it.each([
    ["it acknowledges the next datagram, which is not sent yet", "never-sent", { highestCounter: 8 }],
    ["it acknowledges what is far ahead", "never-sent", { highestCounter: 100_000 }],
    ["it is about a path that is not there", "unknown-path", { path: 7 }],
    ["the datagram arrived before it was sent", "arrival", { heldUnits: 32 * 250, lastHeldUnits: 0 }],
    ["a later datagram arrived before an earlier one", "arrival", { lastHeldUnits: 12 * 250 }],
    ["more bytes arrived than were sent", "bytes", { receivedBytes: 6 * BYTES + 80_000 }],
    ["fewer bytes arrived than before", "bytes", { receivedBytes: 5 * BYTES }],
  ])("when %s", (_what, reason, lie) => {
    const bond = started();
    const [before, samples] = [bond.released.size, bond.controller(0).samples.length];
    bond.report([{ path: 0, highestCounter: 7, receivedBytes: 8 * BYTES, runs: [8], ...lie }]);
    expect(refusedBy(bond)).toEqual({ [reason]: 1 });
    expect([bond.released.size, bond.controller(0).samples.length]).toEqual([before, samples]);
    bond.ack(0, 7);
    expect(bond.released.size).toBe(8);
    expect(refusedBy(bond)).toEqual({ [reason]: 1 });
  });

  it("when its clock leaps by an hour", () => {
    const bond = started();
    bond.report([{ path: 0, highestCounter: 7, receivedBytes: 8 * BYTES, runs: [8] }], bond.nowMs + 3_600_000);
    expect(refusedBy(bond)).toEqual({ clock: 1 });
    expect(bond.released.size).toBe(6);
  });

  it("but what is merely overtaken by a later message still acknowledges, and is no sample", () => {
    const bond = started();
    bond.ack(0, 7, [6]);
    const samples = bond.controller(0).samples.length;
    bond.report([{ path: 0, highestCounter: 6, receivedBytes: 7 * BYTES, runs: [7] }], bond.nowMs - 5);
    expect(bond.released.size).toBe(8);
    expect(bond.controller(0).samples.length).toBe(samples);
    expect(refusedBy(bond)).toEqual({});
  });

  it("and what is forgotten long since is counted as outdated", () => {
    const bond = started();
    for (let i = 8; i < 1_000; i++) {
      bond.sender.onControlSent(0, i, 100, bond.nowMs);
      if (i % 100 === 0) bond.wait(1_000);
    }
    bond.report([{ path: 0, highestCounter: 3, receivedBytes: 4 * BYTES, runs: [4] }]);
    expect(bond.sender.totals()).toMatchObject({ outdatedFeedback: 1 });
  });
});

describe("counters that the sender was not told of", () => {
  it("acknowledge no frame: neither in a slot of somebody else nor under way on another path", () => {
    const bond = new SenderHarness([{}, { delayMs: 20 }]);
    bond.sender.onControlSent(1, 1, 200, bond.nowMs);
    bond.ack(1, 1);
    expect(bond.send(1)).toEqual([0]);
    bond.sender.onControlSent(1, 3, 200, bond.nowMs);
    bond.ack(1, 3);
    expect([bond.released.size, bond.sender.totals().keptBytes]).toEqual([0, BYTES]);
  });

  it("may leap while a frame is sent for the last time on a path that has an older copy of it", () => {
    const bond = new SenderHarness([{}, { delayMs: 20 }, { delayMs: 15 }]);
    bond.nowMs += 600;
    const turn = (path: number, on: boolean) => bond.sender.setUsable(path, on, bond.nowMs);
    turn(2, false);
    // Path 1 was idle and gets a copy.
    const [slot = -1] = bond.send(1);
    for (let round = 0; round < 2; round++) {
      turn(2, true);
      turn(0, false);
      turn(0, true);
      turn(2, false);
    }
    bond.counters[1] = 100;
    turn(0, false);
    const again = [2, 0, 2, 0, 1].map((path) => `retransmission ${slot}->${path}`);
    expect(bond.sent).toEqual([`first ${slot}->0`, `duplicate ${slot}->1`, ...again]);
    expect(bond.released.size).toBe(0);
    bond.ack(1, 100);
    expect([...bond.released]).toEqual([[slot, null]]);
  });
});

describe("numbers that wrap", () => {
  it("are followed: counters and bytes over 2^32, times over 2^32 units", () => {
    const bond = new SenderHarness([{}]);
    const first = 2 ** 33 - 4;
    bond.counters[0] = first;
    bond.nowMs = 2 ** 32 / 250 - 35;
    let bytes = 2 ** 32 - 2.5 * BYTES;
    for (let i = 0; i < 8; i++) {
      bond.send(1);
      bond.nowMs += 10;
      bytes += BYTES;
      const counter = first + i;
      bond.report([{ path: 0, highestCounter: counter % 2 ** 32, receivedBytes: bytes % 2 ** 32 }], bond.nowMs);
    }
    expect(refusedBy(bond)).toEqual({});
    expect(bond.freeSlots).toBe(64);
    const samples = bond.controller(0).samples;
    expect(samples).toHaveLength(8);
    for (const [i, { receivedBytes, arrivalMs, rttMs }] of samples.entries()) {
      expect(receivedBytes).toBe(2 ** 32 - 1.5 * BYTES + i * BYTES);
      expect(arrivalMs - (samples[0]?.arrivalMs ?? 0)).toBeCloseTo(i * 10, 1);
      expect(rttMs).toBeCloseTo(10);
    }
  });
});

describe("whatever a peer says, and whatever the paths do", () => {
  it("no slot is lost or given back twice, bytes kept stay within the limit, and bytes in flight come back to zero", () => {
    const small = fc.nat(20);
    const block = fc.record({
      path: fc.nat(3),
      // Near what was sent, or anywhere.
      ahead: fc.oneof(fc.integer({ min: -70, max: 2 }), fc.integer()),
      heldUnits: fc.oneof(fc.nat(6_000), fc.nat(0xfffffff)),
      lastHeldUnits: fc.oneof(fc.nat(3_000), fc.nat(0xfffffff)),
      receivedBytes: fc.oneof(fc.nat(100_000), fc.nat(0xffffffff)),
      fastestBack: fc.oneof(fc.nat(5), fc.nat(0xfffffff)),
      fastestHeldUnits: fc.nat(6_000),
      runs: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
    });
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), count: small, realtime: fc.boolean() }) },
        { weight: 4, arbitrary: fc.record({ do: fc.constant("report" as const), block, leapMs: fc.nat(40) }) },
        { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(150) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("usable" as const), path: fc.nat(2), on: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("gate" as const), path: fc.nat(2), on: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("block" as const), path: fc.nat(2), on: fc.boolean() }) },
        {
          weight: 1,
          arbitrary: fc.record({
            do: fc.constant("control" as const),
            path: fc.nat(3),
            skip: fc.nat(200),
            isTold: fc.boolean(),
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), path: fc.nat(2) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant("add" as const), path: fc.nat(2) }) },
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.boolean(), (list, closesFirst) => {
        const bond = new SenderHarness([{}, { delayMs: 20, metered: true }, { delayMs: 15 }], 20 * BYTES);
        for (const step of list) {
          if (step.do === "send") bond.send(Math.min(step.count, bond.freeSlots), step.realtime);
          else if (step.do === "wait") bond.wait(step.ms);
          else if (step.do === "usable") bond.sender.setUsable(step.path, step.on, bond.nowMs);
          else if (step.do === "gate") bond.controller(step.path).open = step.on;
          else if (step.do === "block") bond.blocked[step.on ? "add" : "delete"](step.path);
          else if (step.do === "control") {
            const counter = (bond.counters[step.path] ?? 0) + step.skip;
            bond.counters[step.path] = counter + 1;
            if (step.isTold) bond.sender.onControlSent(step.path, counter, 200, bond.nowMs);
          } else if (step.do === "remove") {
            bond.sender.removePath(step.path, bond.nowMs);
            expect(bond.controller(step.path).inflightBytes).toBe(0);
          } else if (step.do === "add") {
            const before = bond.controller(step.path);
            bond.sender.addPath(step.path, { metered: false, speedKbps: null }, bond.nowMs);
            expect(before.inflightBytes).toBe(0);
            bond.sender.setUsable(step.path, true, bond.nowMs);
          } else {
            const { ahead, ...rest } = step.block;
            const highestCounter = ((bond.counters[step.block.path] ?? 0) + ahead) >>> 0;
            const bytes = messageOf(Math.floor((bond.nowMs + step.leapMs) * 250), [{ ...rest, highestCounter }]);
            readFeedback(bytes, (feedback) => bond.sender.onFeedback(feedback, bond.nowMs));
          }
          expect(bond.sender.totals().keptBytes).toBeLessThanOrEqual(20 * BYTES);
          expect(bond.sender.totals().keptBytes).toBeGreaterThanOrEqual(0);
        }
        if (closesFirst) bond.sender.close();
        for (const path of [0, 1, 2]) bond.sender.removePath(path, bond.nowMs);
        for (const controller of bond.controllers) expect(controller.inflightBytes).toBe(0);
        if (!closesFirst) bond.sender.close();
        expect(bond.freeSlots).toBe(64);
        expect(bond.sender.totals().keptBytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
