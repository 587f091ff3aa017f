import { describe, expect, it } from "vitest";
import { importFaults, specifiersOf } from "./import-rules.ts";
import { filesBelow } from "./project-files.ts";

const sources = ["shared", "client", "concentrator"].flatMap((name) => filesBelow(`packages/${name}/src`, [".ts"]));

describe("imports", () => {
  it("keep to the layers in every source file", () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.flatMap(importFaults)).toEqual([]);
  });
});

describe("the checker of imports", () => {
  it("sees every kind of import, and none in a comment", () => {
    const text = `import { a } from "./a.ts";
import "./b.ts";
export * from './c.ts';
import {
  d,
} from "./d.ts";
const e = await import("./e.ts");
const f = require("./f.ts");
// import "./no.ts";
/* from "./no.ts" */
const label = Buffer.from("no import");
const url = "https://example.net"; import "./g.ts";
`;
    expect(specifiersOf(text)).toEqual(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts", "./f.ts", "./g.ts"]);
  });

  it.each([
    ["an upward import", "packages/shared/src/wire/x.ts", 'import { a } from "../session/index.ts";'],
    ["a dynamic upward import", "packages/shared/src/wire/x.ts", 'await import("../session/index.ts");'],
    ["a bare upward import", "packages/shared/src/wire/x.ts", 'import "../session/index.ts";'],
    ["folders of one layer", "packages/shared/src/bond/x.ts", 'export { a } from "../link/index.ts";'],
    ["another folder's inside", "packages/shared/src/session/x.ts", 'import { a } from "../wire/limits.ts";'],
    ["an unknown folder", "packages/shared/src/session/x.ts", 'import { a } from "../new/index.ts";'],
    ["a file in an unknown folder", "packages/shared/src/new/x.ts", 'import { a } from "../wire/index.ts";'],
    ["sockets in the core", "packages/shared/src/pipeline/x.ts", 'import { connect } from "node:net";'],
    ["crypto outside crypto/ and session/", "packages/shared/src/link/x.ts", 'import { hash } from "node:crypto";'],
    ["a builtin without node:", "packages/shared/src/link/x.ts", 'import fs from "fs";'],
    ["the clock in the core", "packages/shared/src/link/x.ts", "const nowMs = performance.now();"],
    ["chance in the core", "packages/shared/src/bond/x.ts", "const draw = Math.random();"],
    ["a timer in the core", "packages/shared/src/session/x.ts", "setTimeout(onTimer, 1);"],
    ["an end in the library", "packages/shared/src/control/x.ts", 'await import("@wanbond/client");'],
    ["a way out of the library", "packages/shared/src/control/x.ts", 'import "../../../client/src/index.ts";'],
    ["one end in the other", "packages/client/src/x.ts", 'import { a } from "@wanbond/concentrator";'],
    [
      "one end in the other by path",
      "packages/client/src/x.ts",
      'import { a } from "../../concentrator/src/index.ts";',
    ],
    ["the library by path", "packages/client/src/x.ts", 'import { a } from "../../shared/src/wire/index.ts";'],
    ["a file of the library", "packages/client/src/x.ts", 'import { a } from "@wanbond/shared/wire/limits.ts";'],
  ])("refuses %s", (_what, path, text) => {
    expect(importFaults({ path, text })).toHaveLength(1);
  });

  it.each([
    ["packages/shared/src/session/x.ts", 'import { a } from "../wire/index.ts"; import { b } from "../errors.ts";'],
    [
      "packages/shared/src/crypto/x.ts",
      'import { a } from "node:crypto"; import nacl from "tweetnacl"; import "./y.ts";',
    ],
    [
      "packages/shared/src/io/x.ts",
      'import { a } from "node:net"; import { b } from "../pipeline/index.ts"; setTimeout(a, 1);',
    ],
    ["packages/shared/src/cli/wanbond.ts", 'await import("@wanbond/client");'],
    [
      "packages/client/src/uplink/x.ts",
      'import { a } from "@wanbond/shared/wire"; import { b } from "../lan/index.ts";',
    ],
  ])("lets %s import %s", (path, text) => {
    expect(importFaults({ path, text })).toEqual([]);
  });
});
