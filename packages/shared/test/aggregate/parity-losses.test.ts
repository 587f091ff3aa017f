import { describe, expect, it } from "vitest";
import { SenderHarness } from "./sender-harness.ts";

describe("a datagram that parity may mend", () => {
  it.each([
    ["is not sent again as long as parity may come", 2, []],
    ["is sent again at once when none is to come", 3, ["retransmission 1->1"]],
  ])("%s", (_what, forgoneBelow, again) => {
    const bond = new SenderHarness([{}, { delayMs: 20 }]);
    bond.counters[0] = 1;
    bond.sender.onParitySent(0, 0, 1_000, 100, bond.nowMs);
    for (let i = 0; i < 3; i++) {
      bond.nowMs += 5;
      bond.send(1);
    }
    bond.sender.onParityForgone(0, forgoneBelow);
    bond.nowMs += 20;
    bond.ack(0, 3, [2]);
    expect(bond.sent.filter((each) => each.startsWith("retransmission"))).toEqual(again);
  });
});
