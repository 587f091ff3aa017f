import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Change } from "../../src/system/index.ts";
import { Journal } from "../../src/system/journal.ts";

const rule: Change = {
  kind: "rule",
  family: 4,
  priority: 5201,
  from: "192.0.2.1",
  table: 18700,
  suppressPrefixLength: null,
};
const entries = [
  { key: "rule", change: rule, before: {} },
  { key: "forward", change: { kind: "forwarding", family: 4 } as const, before: { "net/ipv4/ip_forward": "0" } },
];

describe("Journal", () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "wbjournal-"));
    file = join(directory, "journal.json");
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("reads what another process wrote", () => {
    new Journal(file).write(entries);
    expect(new Journal(file).read()).toEqual(entries);
  });

  it("is no file when there is nothing to take back", () => {
    new Journal(file).write(entries);
    new Journal(file).write([]);
    expect(new Journal(file).read()).toEqual([]);
    expect(() => readFileSync(file)).toThrow("ENOENT");
  });

  it("of a namespace that is gone gives no settings back to the one that got its number", () => {
    new Journal(file).write(entries);
    const content = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...content, namespace: "4026532177@1" }));
    expect(new Journal(file).read().map(({ key }) => key)).toEqual(["rule"]);
  });

  it.each(["", "{", '{"version":1}', '{"version":2,"namespace":"first","entries":[]}'])(
    "that cannot be understood (%s) says what to do",
    (text) => {
      writeFileSync(file, text);
      expect(() => new Journal(file).read()).toThrow("delete the file");
    },
  );
});
