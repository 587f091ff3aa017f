import { describe, expect, it } from "vitest";
import { SenderHarness } from "./sender-harness.ts";

const TWO = [{}, { delayMs: 20 }];
const kinds = (sent: readonly string[]) => sent.map((entry) => entry.replace(/ \d+/, ""));

describe("a path that is not used", () => {
  /** @returns what path 1 got in 20 s in which path 0, the better one, carried 50 frames a second. */
  function copiesBeside(bond: SenderHarness): string[] {
    bond.sent = [];
    for (let i = 0; i < 1_000; i++) {
      bond.send(1);
      bond.wait(20);
      for (const [path, next] of bond.counters.entries()) if (next > 0) bond.ack(path, next - 1);
    }
    return kinds(bond.sent.filter((entry) => entry.endsWith("->1")));
  }

  it("is tried with copies, some in a second", () => {
    const copies = copiesBeside(new SenderHarness(TWO));
    expect(new Set(copies)).toEqual(new Set(["duplicate->1"]));
    expect(copies.length).toBeGreaterThan(100);
    expect(copies.length).toBeLessThan(300);
  });

  it("gets nothing if it is metered, until it is suspect; what arrives there by the way is learned from all the same", () => {
    const bond = new SenderHarness([{}, { delayMs: 11, metered: true }]);
    expect(copiesBeside(bond)).toEqual([]);
    bond.sender.onControlSent(1, 0, 100, bond.nowMs);
    bond.counters[1] = 1;
    bond.wait(30);
    bond.ack(1, 0);
    expect(bond.controller(1).samples).toHaveLength(1);
    bond.controller(0).open = false;
    bond.send(8);
    bond.controller(0).open = true;
    for (let i = 0; i < 200 && bond.events.length === 0; i++) {
      bond.send(1);
      bond.wait(10);
      bond.ack(0, (bond.counters[0] ?? 0) - 1);
    }
    expect(bond.events).toMatchObject([{ type: "path-suspect", path: 1 }]);
    bond.sent = [];
    bond.send(1);
    expect(kinds(bond.sent)).toContain("duplicate->1");
    bond.ack(1, (bond.counters[1] ?? 0) - 1);
    expect(bond.events.at(-1)).toMatchObject({ type: "path-cleared", path: 1 });
    expect(copiesBeside(bond)).toEqual([]);
  });
});

describe("real-time frames", () => {
  it("go out at once on the two best paths, gates or not", () => {
    const bond = new SenderHarness([{ delayMs: 30 }, { delayMs: 12 }, { delayMs: 11 }]);
    for (const controller of bond.controllers) controller.open = false;
    const [slot] = bond.send(1, true, 100);
    expect(bond.sent).toEqual([`first ${slot}->2`, `duplicate ${slot}->1`]);
  });

  it("avoid the path whose line gets slower, although its gate was shut for it", () => {
    const bond = new SenderHarness([{ delayMs: 10 }, { delayMs: 12 }, { delayMs: 14 }]);
    bond.controller(0).driftMs = 20;
    const [slot] = bond.send(1, true, 100);
    expect(bond.sent).toEqual([`first ${slot}->1`, `duplicate ${slot}->2`]);
  });

  it("go out three times where the best two paths are busy and not certain, and only there", () => {
    const bond = new SenderHarness([{ delayMs: 10 }, { delayMs: 12 }, { delayMs: 14 }, { delayMs: 60 }]);
    const copiesOf = () => {
      bond.sent = [];
      bond.send(1, true, 100);
      return kinds(bond.sent);
    };
    for (const controller of bond.controllers) controller.queuedMs = 12;
    expect(copiesOf()).toEqual(["first->0", "duplicate->1"]);
    for (const controller of bond.controllers) controller.latenessMs = 3;
    expect(copiesOf()).toEqual(["first->0", "duplicate->1", "duplicate->2"]);
    bond.controller(0).queuedMs = 0;
    expect(copiesOf()).toEqual(["first->0", "duplicate->1"]);
  });

  it("are not doubled on metered paths, nor where the copy would come far too late", () => {
    const metered = new SenderHarness([{}, { metered: true }]);
    metered.ack(1, 0);
    metered.send(1, true, 100);
    metered.send(1, true, 100);
    expect(kinds(metered.sent).filter((kind) => kind === "first->0")).toHaveLength(2);
    expect(kinds(metered.sent).filter((kind) => kind === "duplicate->1").length).toBeLessThanOrEqual(1);
    const far = new SenderHarness([{}, { delayMs: 400 }]);
    far.send(20, true, 100);
    expect(kinds(far.sent).filter((kind) => kind === "duplicate->1").length).toBeLessThanOrEqual(1);
  });

  it.each([
    ["second best", [{ delayMs: 14 }, { delayMs: 10 }, { delayMs: 12, metered: true }], ["first->1", "duplicate->0"]],
    ["best", [{ delayMs: 14 }, { delayMs: 12 }, { delayMs: 10, metered: true }], ["first->2", "duplicate->1"]],
    [
      "second best, and was there first",
      [{ delayMs: 12, metered: true }, { delayMs: 10 }, { delayMs: 14 }],
      ["first->1", "duplicate->2"],
    ],
  ])("take another second path where a metered one is %s", (_, paths, expected) => {
    const bond = new SenderHarness(paths);
    bond.send(1, true, 100);
    expect(kinds(bond.sent)).toEqual(expected);
  });

  it("are not sent again while the other copy may arrive, and are when both are lost", () => {
    const bond = new SenderHarness([{}, {}]);
    const [slot] = bond.send(1, true, 100);
    bond.nowMs += 5;
    bond.send(1, true, 100);
    bond.sent = [];
    bond.nowMs += 20;
    bond.ack(0, 1, [0]);
    expect(bond.sent).toEqual([]);
    bond.ack(1, 1, [0]);
    expect(bond.sent).toEqual([expect.stringMatching(`retransmission ${slot}`)]);
  });
});
