import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireInstanceLock } from "../../src/system/index.ts";
import { takeBackLeftovers } from "../../src/system/leftovers.ts";

describe("what a program has left in the state directory", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "wanbond-leftovers-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("goes with the directory when nothing of it runs", async () => {
    const dead = JSON.stringify({ pid: 4_194_305, startTicks: "1", name: "client-wb0" }); // above the kernel's largest
    for (const name of ["client-wb0.lock", "instance-0.lock"]) writeFileSync(join(directory, name), dead);
    writeFileSync(join(directory, "client.sock"), "");
    expect(await takeBackLeftovers(directory, "client")).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  it("stays while the program runs, or belongs to the other role", async () => {
    const lock = acquireInstanceLock(directory, "client-wb0");
    writeFileSync(join(directory, "client.sock"), "");
    const before = readdirSync(directory);
    expect(await takeBackLeftovers(directory, "client")).toEqual([]);
    expect(await takeBackLeftovers(directory, "concentrator")).toEqual([]);
    expect(readdirSync(directory)).toEqual(before);
    lock.release();
  });
});
