import type { ResponderDrop } from "@wanbond/shared/session";
import { parseEndpoint } from "@wanbond/shared/wire";
import { describe, expect, it } from "vitest";
import { HandshakeLog } from "../src/handshake-log.ts";

const ENDPOINT = parseEndpoint("198.51.100.7:4000") ?? new Int32Array(0);

function setUp() {
  const said: object[] = [];
  const log = { warn: (fields: object) => said.push(fields) };
  const drops = { "unknown-peer": 0, malformed: 0 } as Record<ResponderDrop, number>;
  return { said, drops, handshakes: new HandshakeLog(log as never, drops) };
}

describe("log of handshakes at the concentrator", () => {
  it("names an unknown client's address once a minute, whatever is sent", () => {
    const { said, drops, handshakes } = setUp();
    for (let nowMs = 0; nowMs < 61_000; nowMs += 10) {
      drops["unknown-peer"]++;
      handshakes.onHandled(ENDPOINT, nowMs);
    }
    const refusal = { event: "client-refused", reason: "unknown-peer", from: "198.51.100.7:4000" };
    expect(said).toEqual([refusal, refusal]);
  });

  it("keeps silent about what strangers send", () => {
    const { said, drops, handshakes } = setUp();
    drops.malformed++;
    handshakes.onHandled(ENDPOINT, 0);
    expect(said).toEqual([]);
  });

  it("says when a client takes none of our answers", () => {
    const { said, handshakes } = setUp();
    for (let nowMs = 0; nowMs < 20_000; nowMs += 1_500) handshakes.onAnswered("home1", nowMs);
    expect(said).toEqual([{ event: "client-unconfirmed", client: "home1", answeredMs: 3000 }]);
  });

  it("keeps silent about rekeys, and about an answer that was lost once", () => {
    const { said, handshakes } = setUp();
    for (let nowMs = 0; nowMs < 600_000; nowMs += 120_000) {
      handshakes.onAnswered("home1", nowMs);
      handshakes.onConfirmed("home1");
    }
    handshakes.onAnswered("home1", 700_000);
    handshakes.onAnswered("home1", 4_000_000);
    expect(said).toEqual([]);
  });
});
