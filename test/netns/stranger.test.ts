import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot } from "../support/netns.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { scriptCommand } from "../support/script.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measurePing } from "../support/traffic.ts";

const DATAGRAMS = 20_000;

describe.skipIf(!isRoot())("a stranger on the concentrator's port", () => {
  let topology: Topology;
  let pair: BondPair;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 1 });
    await startPlainLines(topology);
    pair = await preparePair(topology);
    await pair.start();
  });
  afterAll(async () => {
    await pair?.stop();
    topology?.remove();
  });

  it("gets no answer to anything, and every datagram is counted", async () => {
    const before = await pair.concentrator.status();
    const command = scriptCommand("stranger-main.ts", ADDRESSES.concentrator, "51900", String(DATAGRAMS), "7");
    const { sent, answers } = JSON.parse(await topology.server.exec(command, { deadlineMs: 60_000 }));
    expect({ sent, answers }).toEqual({ sent: DATAGRAMS, answers: 0 });
    const after = await pair.concentrator.status();
    const counted = (drops: Readonly<Record<string, number>>) =>
      Object.values(drops).reduce((sum, count) => sum + count, 0);
    // The kernel may drop some before the program sees them; empty datagrams are counted, too.
    expect(counted(after.drops) - counted(before.drops)).toBeGreaterThan(DATAGRAMS / 2);
    expect(after.bonds).toHaveLength(before.bonds.length);
  });

  it("does not disturb the client", async () => {
    const { sent, received } = await measurePing(topology.lan, ADDRESSES.server, { seconds: 1 });
    expect(received).toBe(sent);
  });
});
