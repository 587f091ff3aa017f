import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HOST_PORT, Host } from "../support/host.ts";
import { isRoot } from "../support/netns.ts";
import { answers, untilAnswers } from "../support/ping.ts";
import { type PlainLines, startPlainLines } from "../support/plain-lines.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

/** 2 s are promised; the rest is for a busy machine. */
const BACK_MS = 5_000;

/** Either end ends, and the lines fail altogether; a LAN host has a connection open meanwhile. */
describe.skipIf(!isRoot())("restarts", () => {
  let topology: Topology;
  let lines: PlainLines;
  let pair: BondPair;
  let lan: Host;
  let server: Host;
  let connection: number;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2 });
    lines = await startPlainLines(topology);
    lan = new Host(topology.lan);
    server = new Host(topology.server);
    await server.ask("serve", { port: HOST_PORT });
    pair = await preparePair(topology);
    await pair.start();
  });
  afterAll(async () => {
    await Promise.all([lan?.stop(), server?.stop(), pair?.stop()]);
    topology?.remove();
  });

  beforeEach(async () => {
    await untilAnswers(topology.lan, ADDRESSES.server);
    connection = await lan.ask("connect", { address: ADDRESSES.server, port: HOST_PORT });
    await echo("before");
  });
  afterEach(async () => {
    await lan.ask("disconnect", { connection });
  });

  function echo(word: string): Promise<null> {
    return lan.ask("echo", { connection, word, deadlineMs: 30_000 });
  }

  async function expectTrafficBack(): Promise<void> {
    const ms = await untilAnswers(topology.lan, ADDRESSES.server);
    expect(ms).toBeLessThan(BACK_MS);
  }

  it.each(["stop", "kill"] as const)("goes on after the concentrator's %s and start", async (end) => {
    await pair.concentrator[end]();
    expect(await answers(topology.lan, ADDRESSES.server)).toBe(false);
    await pair.concentrator.start();
    await expectTrafficBack();
  });

  it.each(["stop", "kill"] as const)("goes on after the client's %s and start", async (end) => {
    await pair.client[end]();
    expect(await answers(topology.lan, ADDRESSES.server)).toBe(false);
    await pair.client.start();
    await expectTrafficBack();
    await echo("after");
  });

  it("goes on after a start of both at once", async () => {
    await Promise.all([pair.client.kill(), pair.concentrator.kill()]);
    await Promise.all([pair.client.start(), pair.concentrator.start()]);
    await expectTrafficBack();
  });

  it("connects when the concentrator starts long after the client", async () => {
    await Promise.all([pair.client.stop(), pair.concentrator.stop()]);
    const from = pair.client.logs.length;
    await pair.client.start();
    await waitFor(() => pair.client.events("no-answer", from).length > 0, {
      what: "the client says that nobody answers",
    });
    await pair.concentrator.start();
    await expectTrafficBack();
  });

  it("goes on when all lines were cut for a while", async () => {
    for (const line of topology.isps.keys()) await lines.setMtu(line, 0);
    await waitFor(async () => (await pair.client.status()).bonds[0]?.state === "down", { what: "the client sees it" });
    await waitFor(async () => (await pair.concentrator.status()).bonds[0]?.state === "down", {
      what: "the concentrator too",
    });
    for (const line of topology.isps.keys()) await lines.setMtu(line, 1500);
    await expectTrafficBack();
    await echo("after");
  });
});
