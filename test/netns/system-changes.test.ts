import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot, type Namespace } from "../support/netns.ts";
import { answers, untilAnswers } from "../support/ping.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { wanbondCommand } from "../support/program.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { missingLines, readSystemState, type SystemState } from "../support/system-state.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

/** What others have set up on both machines, some of it where wanbond has its own: it stays as it is. */
const FOREIGN_IP = [
  "rule add pref 5200 from 10.9.0.0/16 lookup 18700",
  "rule add pref 100 to 10.9.0.0/16 lookup 777",
  "rule add pref 32000 from 10.8.0.0/16 lookup main",
  "route add 192.0.2.0/24 dev lo table 18700",
  "route add blackhole 10.9.0.0/16 table 777",
];
const FOREIGN_NFT = `table inet user { chain forward { type filter hook forward priority 10; policy accept; }
}
table inet wanbond_wb1 {}
table ip nat { chain postrouting { type nat hook postrouting priority srcnat; ip saddr 10.9.0.0/16 masquerade; }
}`;

describe.skipIf(!isRoot())("changes of the system", () => {
  let topology: Topology;
  let pair: BondPair;
  let before: SystemState[];

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2, ipv6: true });
    await startPlainLines(topology);
    for (const namespace of machines()) {
      await namespace.ip(...FOREIGN_IP);
      await namespace.exec(["ip", "-6", "rule", "add", "pref", "5201", "from", "fd99::/64", "lookup", "777"]);
      await namespace.nft(FOREIGN_NFT);
    }
    // A router that filters strictly and forwards on one device only.
    await topology.router.sysctl({
      "net.ipv4.conf.all.rp_filter": 1,
      "net.ipv4.conf.isp1.rp_filter": 1,
      "net.ipv4.conf.lan.forwarding": 1,
      "net.ipv4.conf.all.accept_redirects": 1,
    });
    pair = await preparePair(topology);
    before = await bothStates();
  });
  afterAll(async () => {
    await pair?.stop();
    topology?.remove();
  });

  const machines = () => [topology.router, topology.concentrator];
  const bothStates = () => Promise.all(machines().map(readSystemState));
  const stopBoth = () => Promise.all([pair.client.stop(), pair.concentrator.stop()]);

  /** Both families of the router's. */
  async function flush(...command: readonly string[]): Promise<void> {
    for (const family of ["-4", "-6"]) await topology.router.exec(["ip", family, ...command]);
  }

  async function waitUntilPasses(): Promise<void> {
    for (const address of [ADDRESSES.server, ADDRESSES.server6]) await untilAnswers(topology.lan, address);
  }

  it("are all taken back at SIGTERM; what others have set up is never touched", async () => {
    await pair.start();
    await waitUntilPasses();
    const during = await bothStates();
    expect(during).not.toEqual(before);
    for (const [index, state] of before.entries()) {
      expect(missingLines(state, during[index] ?? {}, ["rules4", "rules6", "routes4", "routes6", "nft"])).toEqual([]);
    }
    expect(await stopBoth()).toEqual([0, 0]);
    expect(await bothStates()).toEqual(before);
  });

  it("are taken back after kill -9 by the next run", async () => {
    await pair.start();
    await Promise.all([pair.client.kill(), pair.concentrator.kill()]);
    expect(await bothStates()).not.toEqual(before);
    await pair.start();
    await waitUntilPasses();
    expect(await stopBoth()).toEqual([0, 0]);
    expect(await bothStates()).toEqual(before);
  });

  it("are taken back when SIGTERM comes in the middle of the start", async () => {
    const hasTap = async (namespace: Namespace) => (await namespace.exec(["ls", "/sys/class/net"])).includes("wb0");
    const starts = Promise.allSettled([pair.client.start(), pair.concentrator.start()]);
    for (const namespace of machines()) {
      await waitFor(() => hasTap(namespace), { what: `wb0 in ${namespace.name}`, intervalMs: 1 });
    }
    expect(await stopBoth()).toEqual([0, 0]);
    await starts;
    expect(await bothStates()).toEqual(before);
  });

  describe("while the programs run", () => {
    beforeAll(async () => {
      await pair.start();
      const text = async (namespace: Namespace) => namespace.exec(["cat", "/sys/class/net/wb0/mtu"]);
      const isFound = async () => (await Promise.all(machines().map(text))).every((mtu) => mtu.trim() === "1432");
      await waitFor(isFound, { what: "the MTU is found" });
    });
    afterAll(async () => {
      await stopBoth();
      expect(await bothStates()).toEqual(before);
    });

    it("a second start is refused in a sentence and changes nothing", async () => {
      const during = await bothStates();
      for (const program of [pair.client, pair.concentrator]) {
        const namespace = program.role === "client" ? topology.router : topology.concentrator;
        const command = wanbondCommand(program.role, "run", "--config", program.configFile);
        const refusal = await namespace.exec(command).catch(String);
        expect(refusal).toContain("status 75");
        expect(refusal).toContain(`wanbond runs already as ${program.role}-wb0 (PID ${program.pid})`);
      }
      expect(await bothStates()).toEqual(during);
      expect(await answers(topology.lan, ADDRESSES.server)).toBe(true);
    });

    it.each<[string, () => Promise<unknown>]>([
      ["ip rule flush", () => flush("rule", "flush", "proto", "87")],
      ["ip route flush", () => flush("route", "flush", "table", "all", "proto", "87")],
      ["ip link set down", () => topology.router.ip("link set wb0 down")],
      ["ip addr flush", () => topology.concentrator.ip("addr flush dev wb0")],
      ["reload of the firewall", () => topology.concentrator.nft(`flush ruleset\n${FOREIGN_NFT}`)],
      ["sysctl", () => topology.concentrator.sysctl({ "net.ipv4.ip_forward": 0, "net.ipv6.conf.all.forwarding": 0 })],
    ])("mends what somebody's %s took away", async (_, damage) => {
      const during = await bothStates();
      await damage();
      await waitUntilPasses();
      const lost = async () => {
        const now = await bothStates();
        return during.flatMap((state, index) => missingLines(state, now[index] ?? {}, Object.keys(state)));
      };
      const isMended = async () => (await lost()).length === 0;
      await waitFor(isMended, { what: "all is mended", deadlineMs: 15_000 }).catch(async (error) => {
        throw new Error(`${error}\n${(await lost()).join("\n")}`);
      });
    });
  });

  it("are taken back when somebody removes the TAP, which ends the program with a sentence", async () => {
    await pair.start();
    const programs = [pair.client, pair.concentrator];
    for (const namespace of machines()) await namespace.ip("link del wb0");
    for (const program of programs) {
      await waitFor(() => program.exitStatus !== undefined, { what: `the ${program.role} ends` });
      expect(program.exitStatus).toBe(71);
      expect(program.text).toContain("Somebody has removed the TAP while it was in use (ip link del).");
    }
    expect(await bothStates()).toEqual(before);
  });
});
