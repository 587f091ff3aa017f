import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot } from "../support/netns.ts";
import { answers, untilAnswers } from "../support/ping.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { readSystemState } from "../support/system-state.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

/** Counts, at the providers, what the home sends to the internet server otherwise than through the tunnel. */
const SPY = `table inet spy {
  counter leaks4 {}
  counter leaks6 {}
  counter names {}
  chain arriving { type filter hook prerouting priority -400; policy accept;
    iifname "home" ip daddr ${ADDRESSES.server} counter name leaks4
    iifname "home" ip6 daddr ${ADDRESSES.server6} counter name leaks6
    iifname "home" udp dport 53 counter name names
  }
}`;

describe.skipIf(!isRoot())("the kill switch", () => {
  let topology: Topology;
  let pair: BondPair;
  const talkers: ChildProcess[] = [];

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2, ipv6: true });
    await startPlainLines(topology);
    for (const isp of topology.isps) await isp.nft(SPY);
    const { lan, router } = topology;
    // A household that never stops talking, and its router.
    await router.sysctl({ "net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0 });
    for (const namespace of [lan, router]) {
      for (const address of [ADDRESSES.server, ADDRESSES.server6]) {
        talkers.push(namespace.spawn(["ping", "-n", "-q", "-i", "0.02", address], { stdio: "ignore" }));
      }
    }
  });
  afterAll(async () => {
    for (const talker of talkers) talker.kill();
    await pair?.stop();
    topology?.remove();
  });

  async function counted(name: string): Promise<number> {
    const texts = await Promise.all(
      topology.isps.map((isp) => isp.exec(["nft", "-j", "list", "counter", "inet", "spy", name])),
    );
    return texts.reduce((sum, text) => sum + Number(/"packets": (\d+)/.exec(text)?.[1] ?? Number.NaN), 0);
  }
  const leaks = async () => [await counted("leaks4"), await counted("leaks6")];
  const forget = () => Promise.all(topology.isps.map((isp) => isp.exec(["nft", "reset", "counters"])));

  async function prepare(killSwitch: "on" | "lasting"): Promise<void> {
    pair = await preparePair(topology, { fallback: { killSwitch } });
  }

  /** The packets of a second are what a leak would show in. */
  async function forAWhile(ms = 1_000): Promise<void> {
    const startMs = performance.now();
    await waitFor(() => performance.now() - startMs > ms, { what: "time passes", intervalMs: 50 });
  }

  it("would be seen to leak: without it the router's packets leave by the lines", async () => {
    await waitFor(async () => (await leaks()).every((count) => count > 0), { what: "packets are counted" });
  });

  it("lets nothing out while the bond is up, down, killed, started again and up again", async () => {
    await prepare("on");
    await pair.client.start(); // No concentrator yet.
    await forget();
    await forAWhile();
    expect(await leaks()).toEqual([0, 0]);

    await pair.concentrator.start();
    for (const address of [ADDRESSES.server, ADDRESSES.server6]) await untilAnswers(topology.lan, address);
    expect(await leaks()).toEqual([0, 0]);

    await pair.concentrator.kill();
    await waitFor(async () => (await pair.client.status()).fallback?.way === "none", { what: "the outage is seen" });
    await forAWhile();
    expect(await answers(topology.lan, ADDRESSES.server)).toBe(false);
    expect(await leaks()).toEqual([0, 0]);

    await pair.client.kill();
    await forAWhile();
    expect(await leaks()).toEqual([0, 0]);

    await pair.start();
    for (const address of [ADDRESSES.server, ADDRESSES.server6]) await untilAnswers(topology.lan, address);
    expect(await leaks()).toEqual([0, 0]);
  });

  it("lets no route of a device that nobody knew of lead around it", async () => {
    const { router } = topology;
    await router.ip(
      "link add stick type veth peer name far",
      "link set stick up",
      "link set far up",
      "addr add 192.0.2.1/24 dev stick",
      "route add default via 192.0.2.2 dev stick metric 1",
    );
    const sent = async () => Number(await router.exec(["cat", "/sys/class/net/far/statistics/rx_packets"]));
    await forAWhile(300);
    const atFirst = await sent();
    await forAWhile();
    expect((await sent()) - atFirst).toBeLessThan(5); // Neighbour discovery of its own; the household sends 200.
    await router.ip("link del stick");
    // Not even where table main knows a way that is no default route.
    await router.ip(`route add ${ADDRESSES.server}/32 via 192.168.101.1 dev isp1`);
    expect(await lanLeaks()).toBe(0);
    await router.ip(`route del ${ADDRESSES.server}/32`);
  });

  it("keeps the router from asking names beside the bond", async () => {
    await forget();
    const question = ["bash", "-c", "echo question > /dev/udp/192.168.101.1/53"];
    await topology.router.exec(question).catch(() => ""); // Refused, which is the point.
    expect(await counted("names")).toBe(0);
  });

  it("is taken back at the stop", async () => {
    expect(await pair.client.stop()).toBe(0);
    await forget();
    await waitFor(async () => (await leaks()).every((count) => count > 0), { what: "packets leave again" });
    await pair.stop();
  });

  it("lasts beyond the stop when it is told to, until a run with another setting ends", async () => {
    const before = await readSystemState(topology.router);
    await prepare("lasting");
    await pair.start();
    expect(await pair.client.stop()).toBe(0);
    await forget();
    await forAWhile();
    expect(await leaks()).toEqual([0, 0]);
    const file = pair.client.configFile;
    writeFileSync(file, readFileSync(file, "utf8").replace('"lasting"', '"on"'));
    await pair.client.start();
    expect(await pair.client.stop()).toBe(0);
    expect(await readSystemState(topology.router)).toEqual(before);
  });

  /** What the LAN itself sent by the lines, within a second. */
  async function lanLeaks(): Promise<number> {
    const spy = `table inet lanspy { counter leaks {}
      chain leaving { type filter hook postrouting priority 300; policy accept;
        oifname { "isp1", "isp2" } ip saddr ${ADDRESSES.lanNetwork} counter name leaks
        oifname { "isp1", "isp2" } ip6 saddr ${ADDRESSES.lanNetwork6} counter name leaks
      }
    }`;
    await topology.router.nft(spy);
    await forAWhile();
    const text = await topology.router.exec(["nft", "-j", "list", "counter", "inet", "lanspy", "leaks"]);
    await topology.router.nft("delete table inet lanspy");
    return Number(/"packets": (\d+)/.exec(text)?.[1] ?? Number.NaN);
  }
});
