import { describe, expect, it } from "vitest";
import { HandshakeLog } from "../src/handshake-log.ts";

function setUp() {
  const said: string[] = [];
  const keep = (fields: { event: string }) => said.push(fields.event);
  const log = { debug: () => undefined, info: keep, warn: keep, error: keep };
  return { said, handshakes: new HandshakeLog(log as never, ["203.0.113.10:51900"]) };
}

describe("log of handshakes at the client", () => {
  it("says after 5 s that nobody answers, and then once a minute", () => {
    const { said, handshakes } = setUp();
    for (let nowMs = 0; nowMs < 5_000; nowMs += 500) handshakes.onEvent("retried", nowMs);
    expect(said).toEqual([]);
    for (let nowMs = 5_000; nowMs < 130_000; nowMs += 1_500) handshakes.onEvent("retried", nowMs);
    expect(said).toEqual(["no-answer", "no-answer", "no-answer"]);
  });

  it("counts anew after an answer", () => {
    const { said, handshakes } = setUp();
    handshakes.onEvent("started", 0);
    handshakes.onEstablished();
    handshakes.onEvent("started", 120_000);
    handshakes.onEvent("retried", 120_500);
    expect(said).toEqual([]);
  });

  it("does not repeat what a wrong preshared key makes of every answer", () => {
    const { said, handshakes } = setUp();
    for (let nowMs = 0; nowMs < 30_000; nowMs += 1_500) {
      handshakes.onEvent("retried", nowMs);
      for (let copy = 0; copy < 3; copy++) handshakes.onEvent("response-refused", nowMs + 20);
    }
    expect(said).toEqual(["handshake-refused"]);
  });
});
