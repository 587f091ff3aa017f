import { describe, expect, it } from "vitest";
import { filesBelow } from "./project-files.ts";

const CODE = [".ts", ".mjs", ".js", ".cc", ".h"];
const TEXT = [...CODE, ".md", ".toml", ".json", ".sh", ".service", ".conf"];
const folders = ["packages", "test", "deploy", "docs"];
const MAX_LINES = 500;

/** Leftovers and words that mean nothing to a reader of this project. Put together here, so that this file has none. */
const FORBIDDEN = [
  ["TO", "DO"],
  ["FIX", "ME"],
  ["XX", "X"],
  ["/wo", "rk/"],
  ["design", ".md"],
  ["STYLE", ".md"],
  ["field", ".md"],
].map((parts) => parts.join(""));
const ISSUE_NUMBER = new RegExp(["\\b(issue|PR|pull request)", "#?\\d+\\b"].join(" ?"), "i");

/** The forbidden words of a text, with their lines. */
function leftovers(text: string): string[] {
  return text.split("\n").flatMap((line, index) => {
    const word = FORBIDDEN.find((each) => line.includes(each)) ?? ISSUE_NUMBER.exec(line)?.[0];
    return word === undefined ? [] : [`${index + 1}: ${word}`];
  });
}

describe("source files", () => {
  it(`have at most ${MAX_LINES} lines`, () => {
    const long = folders
      .flatMap((folder) => filesBelow(folder, CODE))
      .map(({ path, text }) => ({ path, lineCount: text.split("\n").length - 1 }))
      .filter(({ lineCount }) => lineCount > MAX_LINES);
    expect(long).toEqual([]);
  });

  it("hold no leftovers", () => {
    const found = folders
      .flatMap((folder) => filesBelow(folder, TEXT))
      .flatMap(({ path, text }) => leftovers(text).map((leftover) => `${path}:${leftover}`));
    expect(found).toEqual([]);
  });

  it("would be found to hold them", () => {
    const text = `fine\n// ${["TO", "DO"].join("")}: later\nsee ${["iss", "ue"].join("")} #12\n`;
    expect(leftovers(text)).toHaveLength(2);
  });
});

describe("folders of the library", () => {
  const readmes = filesBelow("packages/shared/src", ["README.md"]);
  const named = new Set(
    filesBelow("packages/shared/src", [".ts"]).map(({ path }) => path.split("/").slice(0, -1).join("/")),
  );
  named.delete("packages/shared/src");

  it("have a README of at most 40 lines each", () => {
    const missing = [...named].filter((folder) => !readmes.some(({ path }) => path === `${folder}/README.md`));
    expect(missing).toEqual([]);
    expect(readmes.filter(({ text }) => text.trimEnd().split("\n").length > 40).map(({ path }) => path)).toEqual([]);
  });
});
