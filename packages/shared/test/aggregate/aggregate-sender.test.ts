import { describe, expect, it } from "vitest";
import { DecisionLog } from "../../src/aggregate/decision-log.ts";
import { BYTES, SenderHarness } from "./sender-harness.ts";

const TWO = [{}, { delayMs: 20 }];
const kinds = (sent: readonly string[]) => sent.map((entry) => entry.replace(/ \d+/, ""));

describe("frames", () => {
  it("go by the path on which they arrive first, and by a slower one only when much is waiting", () => {
    const bond = new SenderHarness(TWO);
    bond.send(2);
    bond.controller(0).open = false;
    bond.send(1);
    expect(kinds(bond.sent)).toEqual(["first->0", "first->0"]);
    // 10 ms later is worth it once more than 2 ms + 4 x backlog / rate are waiting: 4 frames at 2000 bytes per ms.
    bond.send(4);
    expect(kinds(bond.sent).slice(2)).toEqual(["first->1", "first->1"]);
    bond.controller(0).open = true;
    bond.sender.pump(bond.nowMs);
    expect(kinds(bond.sent).slice(4)).toEqual(["first->0", "first->0", "first->0"]);
  });

  it("keep their slot until a copy is acknowledged", () => {
    const bond = new SenderHarness(TWO);
    const [a, b] = bond.send(2);
    expect(bond.released.size).toBe(0);
    bond.nowMs += 20;
    bond.ack(0, 0);
    expect([...bond.released]).toEqual([[a, null]]);
    bond.ack(0, 1);
    expect(bond.released.get(b ?? -1)).toBe(null);
    expect(bond.sender.totals().keptBytes).toBe(0);
  });

  it("that do not fit what may be kept are sent all the same, and given back", () => {
    const bond = new SenderHarness(TWO, 2.5 * BYTES);
    const slots = bond.send(3);
    expect(bond.sent).toHaveLength(3);
    expect([...bond.released]).toEqual([[slots[2], null]]);
    expect(bond.sender.totals()).toMatchObject({ keptBytes: 2 * BYTES, unkeptFrames: 1 });
    bond.nowMs += 20;
    bond.ack(0, 1);
    expect(bond.sender.totals().keptBytes).toBe(0);
    bond.send(2);
    expect(bond.sender.totals().unkeptFrames).toBe(1);
  });

  it("are not kept beyond the slots there is room for, however short they are", () => {
    const bond = new SenderHarness(TWO);
    bond.sender.setRoom(3);
    const slots = [1, 2, 3, 4, 5].flatMap(() => bond.send(1, false, 60));
    expect(bond.sent).toHaveLength(5);
    expect([...bond.released.keys()]).toEqual(slots.slice(3));
    expect(bond.sender.totals()).toMatchObject({ keptBytes: 180, unkeptFrames: 2 });
    bond.nowMs += 20;
    bond.ack(0, 4);
    bond.send(3, true, 60);
    expect(bond.sender.totals()).toMatchObject({ keptBytes: 180, unkeptFrames: 2 });
  });

  it("do not wait in more slots than there is room for: the fattest flow makes room, at once when others need it", () => {
    const bond = new SenderHarness([{}]);
    bond.controller(0).open = false;
    bond.sender.setRoom(4);
    const slots = bond.send(6);
    expect([...bond.released.values()]).toEqual(["queue-full", "queue-full"]);
    bond.sender.setRoom(2);
    bond.send(1);
    expect(bond.released.size).toBe(5);
    bond.sender.shed();
    expect(bond.released.size).toBe(6);
    bond.sender.shed();
    bond.sender.shed();
    expect([...bond.released.keys()]).toHaveLength(slots.length + 1);
    expect(bond.sent).toEqual([]);
  });

  it("that a path refuses are given back with a reason", () => {
    const bond = new SenderHarness([{}]);
    bond.blocked.add(0);
    const [a] = bond.send(1);
    const [b] = bond.send(1, true);
    expect([...bond.released]).toEqual([
      [a, "no-path"],
      [b, "no-path"],
    ]);
    expect(bond.sender.totals().keptBytes).toBe(0);
  });

  it("wait while no path is usable, and not for ever", () => {
    const bond = new SenderHarness([{}]);
    bond.sender.setUsable(0, false, bond.nowMs);
    bond.send(2);
    bond.nowMs += 500;
    bond.sender.setUsable(0, true, bond.nowMs);
    expect(bond.sent).toHaveLength(2);
    bond.sender.setUsable(0, false, bond.nowMs);
    bond.released.clear();
    bond.send(2);
    bond.nowMs += 1_500;
    bond.sender.setUsable(0, true, bond.nowMs);
    expect([...bond.released.values()].filter((drop) => drop === "queue-full")).toHaveLength(2);
  });
});

describe("a frame that is lost", () => {
  it("is sent again on the other path, at once, and is done when that copy arrives", () => {
    const bond = new SenderHarness(TWO);
    const [first] = bond.send(1);
    bond.nowMs += 5;
    bond.send(1);
    bond.sent = [];
    bond.nowMs += 20;
    bond.ack(0, 1, [0]);
    expect(bond.sent).toEqual([`retransmission ${first}->1`]);
    expect(bond.controller(0)).toMatchObject({ inflightBytes: 0, lostBytes: BYTES });
    bond.nowMs += 20;
    bond.ack(1, 0);
    expect(bond.released.get(first ?? -1)).toBe(null);
    expect(bond.sender.figures(0, bond.nowMs)?.counters).toMatchObject({ lost: 1, saved: 1, spurious: 0 });
    expect(bond.sender.figures(1, bond.nowMs)?.counters).toMatchObject({ retransmittedFrames: 1 });
  });

  it("goes first when the gates open, and by the same path when there is no other", () => {
    const bond = new SenderHarness([{}]);
    bond.send(1);
    bond.nowMs += 5;
    bond.send(1);
    bond.controller(0).open = false;
    bond.send(1);
    bond.nowMs += 20;
    bond.sent = [];
    bond.ack(0, 1, [0]);
    expect(bond.sent).toEqual([]);
    bond.controller(0).open = true;
    bond.sender.pump(bond.nowMs);
    expect(kinds(bond.sent)).toEqual(["retransmission->0", "first->0"]);
  });

  it("is not lost before the path's reordering is over, which is learned from those that came late", () => {
    const bond = new SenderHarness([{}]);
    let next = 0;
    const pair = () => {
      bond.send(1);
      bond.nowMs += 3;
      bond.send(1);
      bond.nowMs += 20;
      next += 2;
      bond.ack(0, next - 1, [next - 2]);
      const lost = bond.sender.figures(0, bond.nowMs)?.counters.lost ?? 0;
      next += bond.counters[0] === next ? 0 : 1;
      bond.nowMs += 1;
      bond.ack(0, (bond.counters[0] ?? 0) - 1);
      next = bond.counters[0] ?? 0;
      return lost;
    };
    expect(pair()).toBe(1);
    expect(pair()).toBe(2);
    const before = pair();
    expect(pair()).toBe(before);
    expect(bond.sender.figures(0, bond.nowMs)?.counters.spurious).toBe(before);
  });

  it("is sent at most five times more", () => {
    const bond = new SenderHarness(TWO);
    const [slot] = bond.send(1);
    const missing: number[][] = [[], []];
    for (let i = 0; i < 8 && !bond.released.has(slot ?? -1); i++) {
      const on = Number(bond.sent.at(-1)?.at(-1));
      const lost = (bond.counters[on] ?? 0) - 1;
      // A control datagram overtakes it.
      bond.nowMs += 10;
      bond.sender.onControlSent(on, bond.counters[on] ?? 0, 100, bond.nowMs);
      bond.counters[on] = (bond.counters[on] ?? 0) + 1;
      bond.nowMs += 20;
      missing[on]?.push(lost);
      bond.ack(on, lost + 1, missing[on]);
    }
    expect(kinds(bond.sent)).toEqual(["first->0", ...[1, 0, 1, 0, 1].map((on) => `retransmission->${on}`)]);
    expect(bond.released.get(slot ?? -1)).toBe("too-many-tries");
    expect(bond.sender.totals()).toMatchObject({ keptBytes: 0, givenUp: { "too-many-tries": 1, "too-old": 0 } });
  });

  it("is not sent again when it is older than anybody waits", () => {
    const bond = new SenderHarness(TWO);
    const [slot] = bond.send(1);
    bond.nowMs += 1;
    bond.send(1);
    bond.nowMs += 2_001;
    bond.ack(0, 1, [0]);
    expect(bond.released.get(slot ?? -1)).toBe("too-old");
  });

  it("while it waits to be sent again may still arrive: then it is not sent", () => {
    const bond = new SenderHarness([{}]);
    const [slot] = bond.send(1);
    bond.nowMs += 5;
    bond.send(1);
    bond.controller(0).open = false;
    bond.nowMs += 20;
    bond.ack(0, 1, [0]);
    expect(bond.released.has(slot ?? -1)).toBe(false);
    bond.nowMs += 1;
    bond.ack(0, 1);
    bond.controller(0).open = true;
    bond.sender.pump(bond.nowMs);
    expect(bond.released.get(slot ?? -1)).toBe(null);
    expect(kinds(bond.sent)).toEqual(["first->0", "first->0"]);
    expect(bond.sender.totals().keptBytes).toBe(0);
  });
});

describe("a path that goes silent", () => {
  function silentBond(): SenderHarness {
    const bond = new SenderHarness([{}, { delayMs: 11 }]);
    bond.send(8);
    bond.nowMs += 20;
    bond.ack(0, 7);
    bond.controller(0).open = false;
    bond.send(8);
    bond.controller(0).open = true;
    bond.nowMs += 20;
    bond.ack(1, (bond.counters[1] ?? 0) - 1);
    bond.sent = [];
    bond.send(8);
    return bond;
  }

  function waitForSuspicion(bond: SenderHarness): void {
    for (let i = 0; i < 100 && bond.events.length === 0; i++) bond.wait(3);
  }

  it("is found by its round trip: all that is under way is sent again on the other, once", () => {
    const bond = silentBond();
    expect(kinds(bond.sent)).toEqual(Array(8).fill("first->0"));
    bond.sent = [];
    waitForSuspicion(bond);
    expect(kinds(bond.sent).filter((kind) => kind === "retransmission->1")).toHaveLength(8);
    expect(bond.events.map(({ type }) => type)).toEqual(["path-suspect"]);
    expect(bond.events[0]).toMatchObject({ path: 0, reinjectedCount: 8 });
  });

  it("is found sooner by the peer's clock, when another path's report was written after its datagrams were due", () => {
    const bond = silentBond();
    bond.controller(0).open = false;
    bond.nowMs += 20;
    bond.send(4);
    bond.nowMs += 45;
    bond.sender.onTimer(bond.nowMs);
    expect(bond.events).toEqual([]);
    bond.ack(1, (bond.counters[1] ?? 0) - 1);
    expect(bond.events[0]).toMatchObject({ type: "path-suspect", path: 0, reinjectedCount: 8 });
  });

  /** Datagrams are under way on both paths, and no report comes any more. @param heard the path on which other things do. */
  function withoutReports(heard?: number): SenderHarness {
    const bond = new SenderHarness(TWO);
    bond.send(4, true);
    bond.nowMs += 20;
    bond.ack(0, 3);
    bond.ack(1, 3);
    bond.send(4, true);
    for (let i = 0; i < 200; i++) {
      if (heard !== undefined) bond.heard[heard] = bond.nowMs;
      bond.wait(1);
    }
    return bond;
  }

  it("is not blamed for reports that are missing about all paths, but if it is the one on which nothing comes in", () => {
    expect(withoutReports().events).toEqual([]);
    expect(withoutReports(0).events).toMatchObject([{ type: "path-suspect", path: 1 }]);
    expect(withoutReports(1).events).toMatchObject([{ type: "path-suspect", path: 0 }]);
  });

  it("still gets a copy of each real-time frame for a moment, where a single path is left", () => {
    const bond = silentBond();
    waitForSuspicion(bond);
    bond.sent = [];
    bond.send(3, true);
    expect(kinds(bond.sent)).toEqual([
      "first->1",
      "duplicate->0",
      "first->1",
      "duplicate->0",
      "first->1",
      "duplicate->0",
    ]);
    bond.wait(600);
    bond.sent = [];
    bond.send(3, true);
    expect(kinds(bond.sent)).toContain("first->1");
    expect(kinds(bond.sent).filter((kind) => kind === "duplicate->0").length).toBeLessThan(2);
  });

  it("gets copies only, more and more rarely, until something newer arrives", () => {
    const bond = silentBond();
    waitForSuspicion(bond);
    bond.sent = [];
    for (let i = 0; i < 100; i++) {
      bond.send(1);
      bond.nowMs += 19;
      bond.ack(1, (bond.counters[1] ?? 0) - 1);
      bond.wait(1);
    }
    const tries = bond.sent.filter((entry) => entry.endsWith("->0"));
    expect(kinds(tries)).toEqual(Array(tries.length).fill("duplicate->0"));
    expect(tries.length).toBeGreaterThan(4);
    expect(tries.length).toBeLessThan(12);
    // What was under way when it went silent proves nothing.
    bond.ack(0, 15);
    expect(bond.sender.figures(0, bond.nowMs)?.state).toBe("suspect");
    expect(bond.sender.figures(0, bond.nowMs)?.counters).toMatchObject({ late: 8, reinjected: 8, saved: 8 });
    bond.ack(0, (bond.counters[0] ?? 0) - 1);
    expect(bond.sender.figures(0, bond.nowMs)?.state).toBe("in-use");
    expect(bond.events.at(-1)).toMatchObject({ type: "path-cleared", path: 0 });
  });

  it("is not suspect when it is the only one; what it lost is tried again with growing patience", () => {
    const bond = new SenderHarness([{}]);
    bond.send(4);
    bond.nowMs += 20;
    bond.ack(0, 3);
    bond.sent = [];
    bond.send(4);
    bond.wait(1_500);
    expect(bond.events).toEqual([]);
    expect(kinds(bond.sent).filter((kind) => kind === "retransmission->0").length).toBeGreaterThanOrEqual(8);
    expect(kinds(bond.sent).filter((kind) => kind === "retransmission->0").length).toBeLessThanOrEqual(20);
  });

  it("that the monitor takes out gives its frames to the others at once", () => {
    const bond = new SenderHarness(TWO);
    bond.send(3);
    bond.sent = [];
    bond.sender.setUsable(0, false, bond.nowMs);
    expect(kinds(bond.sent)).toEqual(Array(3).fill("retransmission->1"));
    bond.sender.removePath(1, bond.nowMs);
    expect(bond.released.size).toBe(0);
    bond.sender.close();
    expect(bond.freeSlots).toBe(64);
  });

  it("that is removed gives its frames to the others without waiting for more traffic", () => {
    const bond = new SenderHarness(TWO);
    bond.send(3);
    bond.sent = [];
    bond.sender.removePath(0, bond.nowMs);
    bond.wait(0);
    expect(kinds(bond.sent)).toEqual(Array(3).fill("retransmission->1"));
  });
});

describe("a peer without feedback", () => {
  it("is sent fixed shares by typed speed, unkept, with an event; feedback brings everything back", () => {
    const bond = new SenderHarness([{ speedKbps: 3_000 }, { speedKbps: 1_000 }]);
    for (let i = 0; i < 200 && bond.events.every(({ type }) => type !== "feedback-missing"); i++) {
      bond.send(1);
      bond.wait(50);
    }
    expect(bond.events.at(-1)).toMatchObject({ type: "feedback-missing" });
    expect(bond.sender.totals()).toMatchObject({ usesFixedShares: true, keptBytes: 0 });
    bond.sent = [];
    for (const controller of bond.controllers) controller.open = false;
    for (let i = 0; i < 40; i++) bond.send(1);
    expect(bond.sent.filter((entry) => entry.endsWith("->0"))).toHaveLength(30);
    expect(bond.freeSlots).toBe(64);
    bond.ack(0, (bond.counters[0] ?? 0) - 1);
    expect(bond.events.at(-1)).toEqual({ type: "feedback-back" });
    expect(bond.sender.totals().usesFixedShares).toBe(false);
    bond.send(1);
    expect(bond.freeSlots).toBe(63);
  });

  it("is not one that has nothing to say because little was sent", () => {
    const bond = new SenderHarness(TWO);
    bond.send(3);
    bond.wait(20_000);
    expect(bond.sender.totals().usesFixedShares).toBe(false);
  });
});

describe("a new path", () => {
  it("is filled with padding while its rate is a guess and no frame waits, metered ones never", () => {
    const bond = new SenderHarness([{}, { metered: true }]);
    for (const controller of bond.controllers) controller.phase = "startup";
    bond.controller(0).open = true;
    let left = 5;
    bond.controller(0).isOpen = () => left-- > 0;
    bond.sender.pump(bond.nowMs);
    expect(bond.sent).toEqual(Array(5).fill("padding->0"));
    left = 5;
    bond.controller(0).phase = "steady";
    bond.sender.pump(bond.nowMs);
    expect(bond.sent).toHaveLength(5);
  });

  it("gets no more padding than four megabytes", () => {
    const bond = new SenderHarness([{}]);
    bond.controller(0).phase = "startup";
    bond.sender.pump(bond.nowMs);
    expect(bond.sent.length * 1_400).toBeGreaterThan(3_900_000);
    expect(bond.sent.length * 1_400).toBeLessThan(4_010_000);
  });
});

describe("control datagrams", () => {
  it("that nobody reports are taken off the line after a while, without a loss or a suspicion", () => {
    const bond = new SenderHarness(TWO);
    for (let i = 0; i < 10; i++) bond.sender.onControlSent(0, i, 100, bond.nowMs);
    expect(bond.controller(0).inflightBytes).toBe(1_000);
    bond.wait(2_000);
    expect(bond.controller(0)).toMatchObject({ inflightBytes: 0, lostBytes: 0 });
    expect(bond.events).toEqual([]);
  });
});

describe("what it tells", () => {
  it("is each path now, and five minutes of seconds with traffic, and the last events, no more", () => {
    const bond = new SenderHarness([{}, { delayMs: 20 }]);
    for (let i = 0; i < 320; i++) {
      bond.send(3);
      bond.wait(20);
      bond.ack(0, (bond.counters[0] ?? 0) - 1);
      bond.send(1);
      bond.wait(20);
      bond.ack(0, (bond.counters[0] ?? 0) - 1);
      bond.ack(1, (bond.counters[1] ?? 0) - 1);
      bond.nowMs += 960;
    }
    const { seconds } = bond.sender.history(0);
    expect(seconds).toHaveLength(300);
    expect(seconds.at(-1)).toMatchObject({ state: "in-use", rateKbps: 8_000, shareRatio: 1, lost: 0, firstFrames: 4 });
    expect((seconds.at(-1)?.atMs ?? 0) - (seconds[0]?.atMs ?? 0)).toBeCloseTo(299_000, -3);
    expect(bond.sender.figures(0, bond.nowMs)).toMatchObject({ state: "in-use", shareRatio: 1 });
    expect(bond.sender.figures(9, bond.nowMs)).toBe(null);
    const log = new DecisionLog();
    for (let i = 0; i < 300; i++) log.onEvent({ type: "path-cleared", path: 1, suspectMs: i }, i);
    expect(log.events).toHaveLength(256);
    expect(log.events.at(-1)).toEqual({ atMs: 299, event: { type: "path-cleared", path: 1, suspectMs: 299 } });
  });
});
