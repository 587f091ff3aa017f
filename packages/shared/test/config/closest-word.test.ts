import { expect, it } from "vitest";
import { closestWord } from "../../src/config/index.ts";

it.each([
  ["privatKeyFile", "privateKeyFile"],
  ["TAP", "tap"],
  ["lann", "lan"],
  ["colour", null],
])("%s is meant as %s", (typed, meant) => {
  expect(closestWord(typed, ["privateKeyFile", "tap", "lan", "mode"])).toBe(meant);
});
