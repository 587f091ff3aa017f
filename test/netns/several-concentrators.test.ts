import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST_PORT, Host } from "../support/host.ts";
import { isRoot } from "../support/netns.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import type { LogLine } from "../support/program.ts";
import { type BondPair, INNER, preparePair } from "../support/programs.ts";
import { addReserve, RESERVE, type Reserve } from "../support/reserve.ts";
import { readSystemState, type SystemState } from "../support/system-state.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

const AFTER_MS = 3_000;
const RETURN_AFTER_MS = 3_000;
/** Time to see that a concentrator is silent, and a busy machine. */
const SLACK_MS = 5_000;

describe.skipIf(!isRoot())("two concentrators", () => {
  let topology: Topology;
  let reserve: Reserve;
  let pair: BondPair;
  let lan: Host;
  let server: Host;
  let before: SystemState;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2 });
    await startPlainLines(topology);
    lan = new Host(topology.lan);
    server = new Host(topology.server);
    await server.ask("serve", { port: HOST_PORT });
    reserve = await addReserve(topology);
    pair = await preparePair(topology, {
      reserves: [reserve.table],
      failover: { afterMs: AFTER_MS, returnAfterMs: RETURN_AFTER_MS },
    });
    before = await readSystemState(topology.router);
    await reserve.concentrator.start();
    await pair.start();
  });
  afterAll(async () => {
    await Promise.all([lan?.stop(), server?.stop(), pair?.stop(), reserve?.stop()]);
    topology?.remove();
  });

  const inUse = async () =>
    (await pair.client.status()).bonds.map(({ peer, state, inUse: used }) => [peer, state, used]);
  const seenFrom = async () => {
    const options = { address: ADDRESSES.server, port: HOST_PORT, sizeBytes: 100_000, direction: "down" } as const;
    return (await lan.ask("transfer", options)).seenFrom;
  };
  const tapAddresses = () => topology.router.exec(["ip", "-br", "addr", "show", "dev", "wb0"]);

  async function waitForChange(from: number, deadlineMs = 40_000): Promise<LogLine> {
    const said = () => pair.client.events("concentrator-changed", from)[0];
    return waitFor(said, { what: "the concentrator changes", deadlineMs }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${pair.client.transcript()}`);
    });
  }
  async function waitForState(name: string, state: string): Promise<void> {
    const is = async () => (await inUse()).some(([peer, actual]) => peer === name && actual === state);
    await waitFor(is, { what: `${name} is ${state}`, deadlineMs: 15_000 });
  }

  it("are both connected; the first of the file is used", async () => {
    await waitForState("reserve", "up");
    expect(await inUse()).toEqual([
      ["concentrator1", "up", true],
      ["reserve", "up", false],
    ]);
    expect(await seenFrom()).toBe(ADDRESSES.concentrator);
  });

  it("stand in for each other: a UDP flow goes on when the one in use dies", async () => {
    const from = pair.client.logs.length;
    const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
    await pair.concentrator.kill();
    expect(await waitForChange(from)).toMatchObject({ from: "concentrator1", to: "reserve", reason: "unreachable" });
    expect(await seenFrom()).toBe(RESERVE.address);
    const { longestGapMs } = summarizeProbe(await probe.stop());
    console.log(`the UDP flow missed ${Math.round(longestGapMs ?? Number.NaN)} ms when the concentrator died`);
    expect(longestGapMs).toBeLessThan(AFTER_MS + SLACK_MS);
    const addresses = await tapAddresses();
    expect(addresses).toContain(RESERVE.client);
    expect(addresses).not.toContain(INNER.client);
    expect(pair.client.events("direct-started", from)).toEqual([]);
  });

  it("give way to the preferred one when it has been back for a while, but not in the middle of a call", async () => {
    const from = pair.client.logs.length;
    const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
    await pair.concentrator.start();
    await waitForState("concentrator1", "up");
    const backMs = performance.now();
    await waitFor(() => performance.now() - backMs > 2 * RETURN_AFTER_MS, { what: "time passes", intervalMs: 100 });
    expect(await inUse()).toEqual([
      ["concentrator1", "up", false],
      ["reserve", "up", true],
    ]);
    const { longestGapMs } = summarizeProbe(await probe.stop());
    expect(longestGapMs).toBeLessThan(1_000);
    const changed = await waitForChange(from);
    expect(changed).toMatchObject({ from: "reserve", to: "concentrator1", reason: "preferred" });
    expect(changed["packetsPerS"]).toBeLessThan(10);
    await waitFor(async () => (await tapAddresses()).includes(INNER.client), { what: "the addresses follow" });
    expect(await seenFrom()).toBe(ADDRESSES.concentrator);
  });

  it("are not left for a restart of the one in use", async () => {
    const from = pair.client.logs.length;
    await pair.concentrator.stop();
    await pair.concentrator.start();
    await waitFor(async () => (await seenFrom().catch(() => "")) === ADDRESSES.concentrator, {
      what: "it carries traffic again",
      deadlineMs: 20_000,
    });
    expect(pair.client.events("concentrator-changed", from)).toEqual([]);
  });

  it("leave nothing behind", async () => {
    expect(await pair.client.stop()).toBe(0);
    expect(await readSystemState(topology.router)).toEqual(before);
  });
});
