import { describe, expect, it } from "vitest";
import { ConcentratorChoice } from "../../src/concentrators/concentrator-choice.ts";

const TICK_MS = 250;

/** A choice among three with its log; time moves in ticks. */
function setUp({ count = 3, afterMs = 3_000, returnAfterMs = 60_000 } = {}) {
  const log: string[] = [];
  let nowMs = 0;
  const sink = {
    use: (index: number, from: number, { reason }: { reason: string }) =>
      log.push(`${nowMs}: ${from} to ${index}, ${reason}`),
    attend: (index: number) => log.push(`${nowMs}: attend ${index}`),
  };
  const choice = new ConcentratorChoice({ count, afterMs, returnAfterMs }, sink, nowMs);
  const run = (ms: number, packetsPerS = Number.NaN) => {
    for (const endMs = nowMs + ms; nowMs < endMs; ) {
      nowMs += TICK_MS;
      if (choice.waitsForCalm) choice.onPackets(packetsPerS, nowMs);
      choice.onTick(nowMs);
    }
  };
  const set = (...reachable: boolean[]) => {
    for (const [index, each] of reachable.entries()) choice.onReachable(index, each, nowMs);
  };
  const moves = () => log.filter((line) => line.includes(" to "));
  return { choice, log, run, set, moves };
}

describe("the choice of a concentrator", () => {
  it("begins with the first and stays, though others answer sooner", () => {
    const { choice, run, set, moves } = setUp();
    run(500);
    set(false, true, true);
    run(1_000);
    set(true, true, true);
    run(600_000, 0);
    expect([choice.used, moves()]).toEqual([0, []]);
  });

  it("takes the next in order when the first does not come up", () => {
    const { run, set, moves } = setUp();
    run(500);
    set(false, false, true);
    run(100);
    set(false, true, true);
    run(10_000);
    expect(moves()).toEqual(["3000: 0 to 1, unreachable"]);
  });

  it("moves when the one in use is away for afterMs, and has looked at the others meanwhile", () => {
    const { run, set, log } = setUp();
    set(true, true, true);
    run(20_000);
    set(false, true, true);
    run(5_000);
    expect(log).toEqual([
      "20250: attend 1",
      "20250: attend 2",
      "21250: attend 1",
      "21250: attend 2",
      "22250: attend 1",
      "22250: attend 2",
      "23000: 0 to 1, unreachable",
    ]);
  });

  it("stays when the one in use is back in time", () => {
    const { run, set, moves } = setUp();
    set(true, true, true);
    run(20_000);
    set(false, true, true);
    run(2_500);
    set(true, true, true);
    run(20_000);
    expect(moves()).toEqual([]);
  });

  it("stays when all lines fail and come back, whichever concentrator appears first", () => {
    const { run, set, moves } = setUp();
    set(true, true, true);
    run(20_000);
    set(false, false, false);
    run(60_000);
    set(false, true, true);
    run(1_500);
    set(true, true, true);
    run(20_000);
    expect(moves()).toEqual([]);
  });

  it("returns to a preferred one after returnAfterMs, when nobody is disturbed", () => {
    const { run, set, moves } = setUp();
    set(false, true, true);
    run(5_000, 0);
    set(true, true, true);
    run(59_000, 0);
    expect(moves()).toEqual(["3000: 0 to 1, unreachable"]);
    run(10_000, 0);
    expect(moves()).toEqual(["3000: 0 to 1, unreachable", "65000: 1 to 0, preferred"]);
  });

  it("waits for a pause of a call, at most an hour", () => {
    const { run, set, moves } = setUp();
    set(false, true, true);
    run(5_000);
    set(true, true, true);
    run(120_000, 50);
    expect(moves()).toHaveLength(1);
    run(4_750, 9);
    run(1_000, 50);
    expect(moves()).toHaveLength(1);
    run(5_250, 9);
    expect(moves()).toHaveLength(2);

    const busy = setUp();
    busy.set(false, true, true);
    busy.run(5_000);
    busy.set(true, true, true);
    busy.run(3_600_000 + 60_000, 50);
    expect(busy.moves()).toEqual(["3000: 0 to 1, unreachable", "3665000: 1 to 0, preferred"]);
  });

  it("does not return to one that comes and goes", () => {
    const { run, set, moves } = setUp();
    set(false, true, true);
    run(5_000);
    for (let i = 0; i < 10; i++) {
      set(true, true, true);
      run(50_000, 0);
      set(false, true, true);
      run(1_000, 0);
    }
    expect(moves()).toEqual(["3000: 0 to 1, unreachable"]);
  });

  it("returns step by step: the second of three is better than the third", () => {
    const { run, set, moves, choice } = setUp();
    set(false, false, true);
    run(5_000);
    set(false, true, true);
    run(70_000, 0);
    expect(moves()).toEqual(["3000: 0 to 2, unreachable", "65000: 2 to 1, preferred"]);
    expect(choice.waitsForCalm).toBe(false);
  });

  it("knows nothing of calm where nobody counts packets", () => {
    const { run, set, moves } = setUp();
    set(false, true, true);
    run(5_000);
    set(true, true, true);
    run(200_000, Number.NaN);
    expect(moves()).toHaveLength(1);
  });
});
