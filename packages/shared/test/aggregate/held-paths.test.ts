import { expect, it } from "vitest";
import { BYTES, SenderHarness } from "./sender-harness.ts";

const TWO = [{}, { delayMs: 20 }];
const kinds = (sent: readonly string[]) => sent.map((entry) => entry.replace(/ \d+/, ""));

it("sends frames of even flows by any path whose delay the far end makes them have, as soon as it is open", () => {
  const bond = new SenderHarness(TWO);
  bond.controller(0).open = false;
  bond.send(1, false, BYTES, true);
  expect(bond.sent).toEqual([]);
  bond.sender.onHeld(0, 0b11);
  bond.send(1, false, BYTES, true);
  expect(kinds(bond.sent)).toEqual(["first->1", "first->1"]);
  bond.send(1);
  expect(bond.sent).toHaveLength(2);
  bond.sender.onHeld(0b11, 0b11);
  bond.sender.pump(bond.nowMs);
  expect(kinds(bond.sent).slice(2)).toEqual(["first->1"]);
});
