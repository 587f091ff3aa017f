import { describe, expect, it } from "vitest";
import { SimPorts } from "../../../../test/support/sim-ports.ts";
import { Forwarder, type ForwarderEvent } from "../../src/pipeline/index.ts";

const NOW_MS = 1;

describe("a forwarder", () => {
  it("says that its TAP may have more until it has taken all", () => {
    const events: ForwarderEvent[] = [];
    const ports = new SimPorts({ nowMs: NOW_MS }, () => undefined);
    const mac = new Uint8Array(6);
    const options = {
      tap: 1,
      role: "client",
      mode: "routed",
      clientToClient: false,
      tapMac: mac,
      farMac: mac,
    } as const;
    const needs = { wallNowMs: () => 0, token: () => 0, version: [1, 2, 3] } as const;
    const forwarder = new Forwarder(ports, { ...options, needs, random: Math.random }, (event) => events.push(event));
    const frames = 5 * 256 + 1;
    ports.tapInbox.push(...Array.from({ length: frames }, () => new Uint8Array(60)));
    do forwarder.onTapReadable();
    while (forwarder.tapHasMore);
    forwarder.onCommand({ type: "snapshot", id: 1 }, NOW_MS);
    expect(events).toMatchObject([{ type: "snapshot", snapshot: { drops: { "no-route": frames } } }]);
  });
});
