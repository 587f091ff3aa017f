import { describe, expect, it } from "vitest";
import { RunIdentities } from "../src/run-identities.ts";

/** Run numbers of one client's handshakes, one every 2 s. @returns at which of them the shared key was noticed. */
function noticed(runs: readonly number[], everyMs = 2_000): number[] {
  const identities = new RunIdentities();
  return runs.flatMap((runId, index) => (identities.onHandshake("home1", runId, index * everyMs) ? [index] : []));
}

describe("two programs with one key", () => {
  it.each([
    ["rekeys of one program", [1, 1, 1, 1], []],
    ["a program that is started again a few times", [1, 2, 3, 4, 5], []],
    ["two that draw new numbers because each takes the session from the other", [1, 2, 3, 4, 5, 6, 7], [5]],
    ["two that take turns", [1, 2, 1, 2, 1], [2]],
    ["a second one that starts while the first rekeys", [1, 1, 2, 1], [3]],
    ["three", [1, 2, 3, 1], [3]],
  ])("are noticed, and nothing else is: %s", (_what, runs, expected) => {
    expect(noticed(runs)).toEqual(expected);
  });

  it("are said again each minute, as long as it goes on", () => {
    expect(noticed([1, 2, 1, 2, 1, 2, 1], 25_000)).toEqual([2, 5]);
  });

  it("are not seen in a number that comes back after a long time, or for another client", () => {
    expect(noticed([1, 2, 1], 700_000)).toEqual([]);
    const identities = new RunIdentities();
    expect([1, 2, 1].map((run, index) => identities.onHandshake(`home${index}`, run, index))).toEqual([
      false,
      false,
      false,
    ]);
  });
});
