import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST_PORT, Host } from "../support/host.ts";
import { execute, isRoot } from "../support/netns.ts";
import { answers, untilAnswers } from "../support/ping.ts";
import { type PlainLines, startPlainLines } from "../support/plain-lines.ts";
import { type LogLine, wanbondCommand } from "../support/program.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { readSystemState } from "../support/system-state.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { type RunningProbe, startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

const AFTER_MS = 2_000;
const RETURN_AFTER_MS = 2_000;
/** For a busy machine. */
const SLACK_MS = 6_000;
/** Nobody listens there: the message that says so is an answer. */
const CHECK = [`${ADDRESSES.server}:53`, `[${ADDRESSES.server6}]:53`];
/** A router of the usual kind: conntrack knows of every connection, and what is no answer comes from the LAN. */
const FIREWALL = `table inet user {
  chain forward { type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" accept
    iifname "wb0" accept
  }
  chain input { type filter hook input priority filter; policy accept;
    ct state established,related accept
  }
}`;

describe.skipIf(!isRoot())("the direct fallback", () => {
  let topology: Topology;
  let lines: PlainLines;
  let pair: BondPair;
  let lan: Host;
  let router: Host;
  let server: Host;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 3, ipv6: true });
    lines = await startPlainLines(topology);
    await topology.router.nft(FIREWALL);
    await topology.router.sysctl({ "net.ipv4.conf.all.rp_filter": 1, "net.ipv4.conf.isp1.rp_filter": 1 });
    lan = new Host(topology.lan);
    router = new Host(topology.router);
    server = new Host(topology.server);
    await server.ask("serve", { port: HOST_PORT });
    pair = await preparePair(topology, {
      fallback: { afterMs: AFTER_MS, returnAfterMs: RETURN_AFTER_MS, check: CHECK },
    });
  });
  afterAll(async () => {
    await Promise.all([lan, router, server].map((host) => host?.stop()));
    await pair?.stop();
    topology?.remove();
  });

  const fallback = async () => (await pair.client.status()).fallback;
  const transfer = (address: string, host = lan) =>
    host.ask("transfer", { address, port: HOST_PORT, sizeBytes: 200_000, direction: "down" });

  async function waitForEvent(event: string, from: number, deadlineMs = 30_000): Promise<LogLine> {
    const said = () => pair.client.events(event, from)[0];
    return waitFor(said, { what: event, deadlineMs }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${pair.client.transcript()}`);
    });
  }

  async function gapOf(probe: RunningProbe): Promise<number> {
    return Math.round(summarizeProbe(await probe.stop()).longestGapMs ?? Number.POSITIVE_INFINITY);
  }

  /** The concentrator dies, and the LAN is out directly. */
  async function goDirect(): Promise<LogLine> {
    const from = pair.client.logs.length;
    await pair.concentrator.kill();
    return waitForEvent("direct-started", from);
  }

  async function comeBack(): Promise<LogLine> {
    const from = pair.client.logs.length;
    await pair.concentrator.start();
    const ended = await waitForEvent("direct-ended", from);
    await waitFor(async () => (await answers(topology.lan, ADDRESSES.server)) || null, { what: "the bond carries" });
    return ended;
  }

  describe("while both programs run", () => {
    beforeAll(() => pair.start());
    afterAll(() => Promise.all([pair.client.stop(), pair.concentrator.stop()]));

    it("takes over when the concentrator dies, and a UDP flow that never pauses goes on by itself", async () => {
      const connection = await lan.ask("connect", { address: ADDRESSES.server, port: HOST_PORT });
      await lan.ask("echo", { connection, word: "before", deadlineMs: 5_000 });
      const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
      const { unreachableMs, uplink, answers: isAnswered, rttMs } = await goDirect();
      expect({ uplink, isAnswered }).toEqual({ uplink: expect.stringMatching(/^isp[123]$/), isAnswered: true });
      expect(rttMs).toBeGreaterThanOrEqual(0);
      expect(unreachableMs).toBeGreaterThanOrEqual(AFTER_MS);
      await untilAnswers(topology.lan, ADDRESSES.server);
      const longestGapMs = await gapOf(probe);
      console.log(`direct after ${unreachableMs} ms, the UDP flow missed ${longestGapMs} ms`);
      expect(longestGapMs).toBeLessThan(AFTER_MS + SLACK_MS);
      // The old connection ends with a reset, not with silence.
      await expect(lan.ask("echo", { connection, word: "after", deadlineMs: 5_000 })).rejects.toThrow(
        /ECONNRESET|ended/,
      );
    });

    it("shows the server the address of the line, for LAN and router, IPv4 and IPv6", async () => {
      const uplink = (await fallback())?.uplink ?? "";
      const n = uplink.slice(3);
      expect(await transfer(ADDRESSES.server)).toEqual({ intact: true, seenFrom: `198.18.${n}.2` });
      expect(await transfer(ADDRESSES.server, router)).toEqual({ intact: true, seenFrom: `198.18.${n}.2` });
      expect(await transfer(ADDRESSES.server6)).toEqual({ intact: true, seenFrom: `2001:db8:${100 + Number(n)}::2` });
      const query = { address: ADDRESSES.server, port: HOST_PORT, sizeBytes: 60, deadlineMs: 5_000 };
      expect((await lan.ask("datagram", query)).intact).toBe(true);
    });

    it("is told by status, to people and to programs", async () => {
      const state = await fallback();
      expect(state).toMatchObject({ way: "direct", direct: true, killSwitch: "off" });
      expect(state?.uplinks.map(({ name, answers: isAnswered }) => [name, isAnswered])).toEqual([
        ["isp1", true],
        ["isp2", true],
        ["isp3", true],
      ]);
      const text = await execute(wanbondCommand("status", "--socket", pair.client.controlSocket));
      expect(text).toMatch(/DIRECT over isp\d \(isp\d\) for/);
    });

    it.each(["its line is dead", "its device is gone"])("moves to another uplink when %s", async (fault) => {
      const uplink = (await fallback())?.uplink ?? "";
      const index = Number(uplink.slice(3)) - 1;
      const from = pair.client.logs.length;
      const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
      if (fault.includes("line")) await lines.setMtu(index, 0);
      else await topology.router.ip(`link set ${uplink} down`);
      const moved = await waitForEvent("direct-moved", from);
      expect(moved).toMatchObject({ from: uplink, reason: fault.includes("line") ? "dead" : "gone" });
      await untilAnswers(topology.lan, ADDRESSES.server);
      const longestGapMs = await gapOf(probe);
      console.log(`${fault}: the UDP flow missed ${longestGapMs} ms`);
      expect(longestGapMs).toBeLessThan(SLACK_MS);
      if (fault.includes("line")) await lines.setMtu(index, 1500);
      else
        await topology.router.ip(
          `link set ${uplink} up`,
          `route add default via ${topology.uplinks[index]?.gateway} dev ${uplink} metric ${101 + index}`,
        );
    });

    it("ends when the bond has been up for a while, and nothing is translated any more", async () => {
      const probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
      const endOf = (call: Promise<never>) => call.catch(String);
      const listeners = [ADDRESSES.server, ADDRESSES.server6].map((address) =>
        endOf(lan.ask("listen", { address, port: HOST_PORT })),
      );
      const { reachableMs } = await comeBack();
      expect(reachableMs).toBeGreaterThanOrEqual(RETURN_AFTER_MS);
      const seenFrom = async () => (await transfer(ADDRESSES.server)).seenFrom;
      const isBack = async () => (await seenFrom().catch(() => "")) === ADDRESSES.concentrator;
      await waitFor(isBack, { what: "the LAN has the concentrator's address again" });
      expect((await transfer(ADDRESSES.server6)).seenFrom).toBe(ADDRESSES.concentrator6);
      const longestGapMs = await gapOf(probe);
      console.log(`back after ${reachableMs} ms, the UDP flow missed ${longestGapMs} ms`);
      expect(longestGapMs).toBeLessThan(2_000);
      expect((await fallback())?.way).toBe("bond");
      const isGone = async () => !(await topology.router.exec(["nft", "list", "ruleset"])).includes("masquerade");
      await waitFor(isGone, { what: "the translation is gone" });
      // Who only listened on a direct connection hears of its end, too.
      for (const listener of listeners) expect(await listener).toMatch(/ECONNRESET|ended/);
    });

    it("waits while the lines themselves are down: connections through the bond survive", async () => {
      const connection = await lan.ask("connect", { address: ADDRESSES.server, port: HOST_PORT });
      await lan.ask("echo", { connection, word: "before", deadlineMs: 5_000 });
      const from = pair.client.logs.length;
      for (const line of topology.isps.keys()) await lines.setMtu(line, 0);
      await waitFor(async () => (await fallback())?.way === "none", { what: "the outage is seen" });
      const seenMs = performance.now();
      await waitFor(() => performance.now() - seenMs > 2 * AFTER_MS, { what: "twice the time to go", intervalMs: 100 });
      for (const line of topology.isps.keys()) await lines.setMtu(line, 1500);
      await lan.ask("echo", { connection, word: "after", deadlineMs: 20_000 });
      expect(pair.client.events("direct-started", from)).toEqual([]);
    });
  });

  it("begins at the start when there is no concentrator, and leaves nothing behind at the stop", async () => {
    const before = await readSystemState(topology.router);
    const from = pair.client.logs.length;
    await pair.client.start();
    await waitForEvent("direct-started", from);
    await untilAnswers(topology.lan, ADDRESSES.server);
    await untilAnswers(topology.lan, ADDRESSES.server6);
    expect(await pair.client.stop()).toBe(0);
    expect(await readSystemState(topology.router)).toEqual(before);
  });

  it("leaves nothing behind after kill -9 and another start", async () => {
    const before = await readSystemState(topology.router);
    const from = pair.client.logs.length;
    await pair.client.start();
    await waitForEvent("direct-started", from);
    await pair.client.kill();
    expect(await readSystemState(topology.router)).not.toEqual(before);
    await pair.client.start();
    expect(await pair.client.stop()).toBe(0);
    expect(await readSystemState(topology.router)).toEqual(before);
  });
});
