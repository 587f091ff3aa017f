import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireInstanceLock, makeStateDirectory, stateDirectory } from "../../src/system/index.ts";

describe("acquireInstanceLock", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "wblock-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** As a program leaves it that is killed: the PID lives, but belongs to another by now. */
  const leaveBehind = (file: string, name: string) =>
    writeFileSync(join(directory, file), JSON.stringify({ pid: process.pid, startTicks: "1", name }));

  it("says who runs already, and lets the next one in after release", () => {
    const lock = acquireInstanceLock(directory, "client-wb0");
    expect(() => acquireInstanceLock(directory, "client-wb0")).toThrow(
      `runs already as client-wb0 (PID ${process.pid})`,
    );
    lock.release();
    expect(readdirSync(directory)).toEqual([]);
    acquireInstanceLock(directory, "client-wb0").release();
  });

  it("gives programs of other names other numbers", () => {
    expect(
      ["client-wb0", "client-wb1", "concentrator-wb2"].map((name) => acquireInstanceLock(directory, name).number),
    ).toEqual([0, 1, 2]);
  });

  it("takes over from a dead program, with its number", () => {
    leaveBehind("client-wb1.lock", "client-wb1");
    leaveBehind("instance-3.lock", "client-wb1");
    expect(acquireInstanceLock(directory, "client-wb1").number).toBe(3);
  });

  it("does not take the number of a dead program of another name while there are others", () => {
    leaveBehind("instance-0.lock", "client-wb0");
    expect(acquireInstanceLock(directory, "client-wb1").number).toBe(1);
  });

  it("takes over a file that no program of ours wrote", () => {
    writeFileSync(join(directory, "client-wb0.lock"), "half");
    expect(acquireInstanceLock(directory, "client-wb0").number).toBe(0);
  });

  it("has room for 16 programs, and says so", () => {
    for (let each = 0; each < 16; each++) acquireInstanceLock(directory, `client-wb${each}`);
    expect(() => acquireInstanceLock(directory, "client-wb16")).toThrow("Stop one of them");
    expect(readdirSync(directory)).not.toContain("client-wb16.lock");
  });
});

describe("stateDirectory", () => {
  it("is systemd's first directory, else below /run", () => {
    expect(stateDirectory({ RUNTIME_DIRECTORY: "/run/a:/run/b" })).toMatch(/^\/run\/a(\/netns-\d+)?$/);
    expect(stateDirectory({})).toMatch(/^\/run\/wanbond(\/netns-\d+)?$/);
  });

  it("is its owner's only", () => {
    const parent = mkdtempSync(join(tmpdir(), "wbstate-"));
    makeStateDirectory(join(parent, "one", "two"));
    expect(statSync(join(parent, "one", "two")).mode & 0o777).toBe(0o700);
    rmSync(parent, { recursive: true });
  });

  it("that cannot be made is named with what to do", () => {
    expect(() => makeStateDirectory("/dev/null/wanbond")).toThrow("set RUNTIME_DIRECTORY");
  });
});
