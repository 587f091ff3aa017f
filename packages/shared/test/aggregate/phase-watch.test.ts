import { describe, expect, it } from "vitest";
import type { AggregateEvent } from "../../src/aggregate/aggregate-sink.ts";
import type { ControllerPhase } from "../../src/aggregate/path-controller.ts";
import { FakeController, SenderHarness } from "./sender-harness.ts";

/** Traffic for so long, all of it reported. */
function carry(bond: SenderHarness, ms: number): void {
  for (let passedMs = 0; passedMs < ms; passedMs += 50) {
    bond.send(1);
    bond.wait(50);
    bond.ack(0, (bond.counters[0] ?? 0) - 1);
  }
}

/** A bond of one line that goes back and forth between two phases, each for so long. */
function flipping(eachMs: number, untilMs: number): SenderHarness {
  const bond = new SenderHarness([{}]);
  for (let flip = 0; flip < untilMs / eachMs; flip++) {
    bond.controller(0).phase = flip % 2 === 0 ? "policed" : "steady";
    carry(bond, eachMs);
  }
  return bond;
}

function startingController(): FakeController {
  const controller = new FakeController();
  controller.phase = "startup";
  return controller;
}

function changes(events: readonly AggregateEvent[]) {
  return events.filter((event) => event.type === "line-phase");
}

describe("the phase of a line's controller", () => {
  it("is told when it changes, with the numbers at that time, and remembered for why", () => {
    const bond = new SenderHarness([{}]);
    carry(bond, 300);
    expect(bond.events).toEqual([]);
    bond.controller(0).phase = "competing";
    bond.controller(0).rateBytesPerMs = 500;
    carry(bond, 1_000);
    const [path, from, to] = [0, "steady", "competing"];
    const numbers = { rateKbps: 4_000, lossRatio: 0, queueMs: null, rttMinMs: null };
    const change = { type: "line-phase", path, from, to, changeCount: 1, ...numbers };
    expect(bond.events).toEqual([change]);
    expect(bond.sender.history(0).events.map(({ event }) => event)).toEqual([change]);
  });

  it("is told each time when it changes now and then", () => {
    expect(changes(flipping(40_000, 400_000).events)).toHaveLength(10);
  });

  it("does not push other decisions out of the log when it flips every half second", () => {
    const bond = flipping(500, 300_000);
    const told = changes(bond.events);
    expect(told.length).toBeGreaterThan(15);
    expect(told.length).toBeLessThan(20);
    expect(told.slice(0, 8).map(({ changeCount }) => changeCount)).toEqual(Array(8).fill(1));
    // What is not told is counted, but for those after the last one.
    const counted = told.reduce((sum, { changeCount }) => sum + changeCount, 0);
    expect(counted).toBeGreaterThan(500);
    expect(counted).toBeLessThanOrEqual(600);
  });

  it("follows from one line to the next: what was told last is where the next one begins", () => {
    const phases: ControllerPhase[] = changes(flipping(700, 200_000).events).flatMap(({ from, to }) => [from, to]);
    expect(phases[0]).toBe("steady");
    for (let at = 2; at < phases.length; at += 2) expect(phases[at]).toBe(phases[at - 1]);
  });

  it("begins anew with another controller, when the far end reports again", () => {
    const bond = new SenderHarness([{}], 1e6, startingController);
    bond.controller(0).phase = "steady";
    for (let i = 0; i < 40; i++) {
      bond.send(1);
      bond.wait(100);
    }
    expect(bond.events.map(({ type }) => type)).toEqual(["line-phase", "feedback-missing"]);
    carry(bond, 300);
    expect(bond.events.slice(2)).toMatchObject([
      { type: "feedback-back" },
      { type: "line-phase", from: "steady", to: "startup" },
    ]);
  });
});
