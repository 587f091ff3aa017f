import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { beginFile, makeKeyFolder, replaceFile } from "../../src/system/index.ts";

const isRoot = process.getuid?.() === 0;

describe("a file that is replaced in one step", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "wanbond-atomic-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is its owner's alone, and leaves nothing beside it", () => {
    const file = join(folder, "new", "state.json");
    replaceFile(file, "one\n");
    replaceFile(file, "a longer second text\n");
    replaceFile(file, "short\n");
    expect(readFileSync(file, "utf8")).toBe("short\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "new")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, "new"))).toEqual(["state.json"]);
  });

  it("is seen only when it is whole, and can be given up", () => {
    const file = join(folder, "client.toml");
    const pending = beginFile(file, 4096);
    expect(existsSync(file)).toBe(false);
    pending.discard();
    expect(readdirSync(folder)).toEqual([]);
    const other = beginFile(file, 10);
    other.commit("more than the room that was taken\n");
    expect(readFileSync(file, "utf8")).toBe("more than the room that was taken\n");
  });

  it("refuses a folder of keys that others may write to", () => {
    const open = join(folder, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    expect(() => makeKeyFolder(open)).toThrow(/chmod 700/);
    expect(() => makeKeyFolder(join(folder, "closed"))).not.toThrow();
    expect(statSync(join(folder, "closed")).mode & 0o777).toBe(0o700);
  });

  it.skipIf(!isRoot)("stays as it was on a full disk", () => {
    const disk = join(folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    try {
      const file = join(disk, "state.json");
      replaceFile(file, "old\n");
      writeFileSync(join(disk, "filler"), Buffer.alloc(48 * 1024));
      expect(() => replaceFile(file, "x".repeat(32 * 1024))).toThrow(/no room on the disk/);
      expect(() => beginFile(join(disk, "client.toml"), 32 * 1024)).toThrow(/Nothing was changed/);
      expect(readFileSync(file, "utf8")).toBe("old\n");
      expect(readdirSync(disk).sort()).toEqual(["filler", "state.json"]);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});
