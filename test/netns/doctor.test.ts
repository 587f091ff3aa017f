import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { connectVeth, isRoot, type Namespace } from "../support/netns.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { wanbondCommand } from "../support/program.ts";
import { type BondPair, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";

interface Finding {
  readonly check: string;
  readonly uplink: string | null;
  readonly severity: string;
  readonly found: string;
  readonly mend: string | null;
}
interface Report {
  readonly role: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly uplinks: readonly { readonly name: string; readonly capacity: unknown }[] | null;
}

const DOCTOR_MS = 150_000;

async function ask(namespace: Namespace, configFile: string, ...options: readonly string[]): Promise<Report> {
  const command = wanbondCommand("doctor", "--json", "--config", configFile, ...options);
  return JSON.parse(await namespace.exec(command, { deadlineMs: DOCTOR_MS, accept: [0, 1] }));
}

/** What is wrong, as "severity check uplink". */
function troubles({ findings }: Report): string[] {
  const wrong = findings.filter(({ severity }) => severity === "warning" || severity === "fault");
  return wrong.map(({ severity, check, uplink }) => `${severity} ${check} ${uplink ?? "-"}`).sort();
}

function found({ findings }: Report, check: string, uplink: string | null): string {
  return findings.find((each) => each.check === check && each.uplink === uplink)?.found ?? "";
}

/**
 * Eight lines, each with a trouble of its own, but for the first two:
 *   isp1 a symmetric NAT      isp2 a cone, which forgets in 6 s   isp3 UDP blocked     isp4 packets of 1300 bytes at most
 *   isp5 loses 8 %            isp6 metered                        isp7, isp8 one line: isp7 is a customer of isp8
 */
describe.skipIf(!isRoot())("wanbond doctor beside a client that runs", () => {
  let topology: Topology;
  let lines: LineEmulation;
  let pair: BondPair;
  let report: Report;
  let logLength: number;
  let probe: Awaited<ReturnType<typeof startProbe>>;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 8 });
    const usual = line(4_000, 2_000, 15);
    const lossy = line(4_000, 2_000, 15, { lossRatio: 0.08 });
    lines = await startLines(topology, [usual, usual, usual, usual, lossy, usual, usual, usual]);
    const isp = (n: number) => topology.isps[n - 1] as Namespace;
    await isp(2).nft(`flush table ip cgnat
      table ip cgnat {
        chain postrouting { type nat hook postrouting priority srcnat; oifname "line" masquerade; }
      }`);
    await isp(2).sysctl({
      "net.netfilter.nf_conntrack_udp_timeout": 6,
      "net.netfilter.nf_conntrack_udp_timeout_stream": 6,
    });
    await isp(3).nft(`table ip block {
      chain forward { type filter hook forward priority 0; meta l4proto udp drop; }
    }`);
    await lines.set(3, { mtuBytes: 1300 });
    await connectVeth(isp(7), "far", isp(8), "near");
    await isp(7).ip("addr add 198.19.0.2/24 dev far", "route replace default via 198.19.0.1");
    await isp(8).ip("addr add 198.19.0.1/24 dev near", "route add 192.168.107.0/24 via 198.19.0.2");
    pair = await preparePair(topology);
    const text = readFileSync(pair.client.configFile, "utf8");
    writeFileSync(pair.client.configFile, text.replace('name = "isp6"', 'name = "isp6"\nmetered = true'));
    await pair.start(7);
    probe = await startProbe(topology.lan, topology.server, ADDRESSES.server);
    logLength = pair.client.logs.length;
    report = await ask(topology.router, pair.client.configFile, "--capacity-bytes", "1500000");
  }, DOCTOR_MS + 60_000);
  afterAll(async () => {
    await pair?.stop();
    await lines?.stop();
    topology?.remove();
  });

  it("names exactly what is wrong with the lines", () => {
    expect(troubles(report)).toEqual([
      "fault reach isp3",
      "warning path-mtu isp4",
      "warning quality isp5",
      "warning shared-bottleneck -",
    ]);
    expect(report.counts).toMatchObject({ fault: 1, warning: 3 });
  });

  it("tells blocked UDP from a line that is down", () => {
    expect(found(report, "reach", "isp3")).toContain("UDP to 203.0.113.10:51900 is blocked on this line");
  });

  it("tells a symmetric NAT from a cone, and how long each remembers", () => {
    expect(found(report, "nat", "isp1")).toContain("the mapping depends on the destination");
    expect(found(report, "nat", "isp2")).toContain("independent of the destination");
    expect(found(report, "mapping", "isp1")).toContain(">= 40 s");
    expect(found(report, "mapping", "isp2")).toContain("between 4 s and 8 s");
  });

  it("finds path MTU, rates and the line that two uplinks share", () => {
    expect(found(report, "path-mtu", "isp4")).toContain("packets of up to 1300 bytes go out and 1300 come in");
    expect(found(report, "path-mtu", "isp1")).toContain("packets of up to 1500 bytes go out and 1500 come in");
    expect(found(report, "capacity", "isp1")).toMatch(/down (3\.[6-9]|4\.[01]) Mbit\/s, up (1\.[89]|2\.[0-2]) Mbit\/s/);
    expect(found(report, "shared-bottleneck", null)).toContain("isp7 and isp8 share a bottleneck");
  });

  it("leaves a metered line in peace", () => {
    expect(found(report, "capacity", "isp6")).toContain("metered");
    expect(report.uplinks?.find(({ name }) => name === "isp6")?.capacity).toBeNull();
  });

  it("disturbs no session: it goes on, and so does a call", async () => {
    const { longestGapMs } = summarizeProbe(await probe.stop());
    expect(longestGapMs).toBeLessThan(2_000);
    expect(pair.concentrator.events("client-connected")).toHaveLength(1);
    expect(pair.client.events("peer-silent", logLength)).toEqual([]);
  });
});

/** Two good lines; the trouble is at home, and nothing runs. */
describe.skipIf(!isRoot())("wanbond doctor without a client that runs", () => {
  let topology: Topology;
  let pair: BondPair;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2 });
    await startPlainLines(topology);
    pair = await preparePair(topology);
  });
  afterAll(async () => {
    await pair?.stop();
    topology?.remove();
  });
  const rules = () => topology.router.exec(["ip", "rule", "show"]);
  const quickly = (...options: readonly string[]) =>
    ask(topology.router, pair.client.configFile, "--no-capacity", ...options);

  it("says that the concentrator is silent, though its host is there", async () => {
    const report = await quickly();
    expect(troubles(report)).toEqual(["fault reach isp1", "fault reach isp2"]);
    expect(found(report, "reach", "isp1")).toContain("the concentrator's host answers by TCP");
  });

  it("names a strict filter, what a killed client left, and a network that is in use twice, and changes nothing", async () => {
    const { router } = topology;
    await pair.start();
    await pair.client.kill();
    await router.sysctl({ "net.ipv4.conf.isp2.rp_filter": 1, "net.ipv4.conf.all.rp_filter": 0 });
    await router.ip("link add other type bridge", "addr add 10.200.7.1/16 dev other", "link set other up");
    const before = await rules();
    const report = await quickly();
    expect(troubles(report)).toEqual(["fault addresses -", "warning leftovers -"]);
    expect(found(report, "addresses", null)).toContain("10.200.0.2/32 overlaps 10.200.0.0/16 of device other");
    expect(found(report, "rp-filter", null)).toContain("strict on isp2");
    expect(found(report, "leftovers", null)).toMatch(/rule\(s\) of priority 5200, .* in table 18700/);
    expect(found(report, "reach", "isp1")).toContain("answers");
    expect(await rules()).toBe(before);
    await router.sysctl({ "net.ipv4.conf.isp2.rp_filter": 2, "net.ipv4.conf.all.rp_filter": 2 });
    await router.ip("link del other");
  });

  it("names a firewall that shuts the concentrator's port, and keys that others may read", async () => {
    const { concentrator } = pair;
    await topology.concentrator.nft(`table inet shut {
      chain input { type filter hook input priority 0; policy drop; ct state established accept; }
    }`);
    const shut = await ask(topology.concentrator, concentrator.configFile);
    expect(troubles(shut)).toEqual(["fault firewall -"]);
    expect(shut.findings.find(({ check }) => check === "firewall")?.mend).toContain("udp dport 51900 accept");
    await topology.concentrator.exec(["nft", "delete", "table", "inet", "shut"]);
    expect(troubles(await ask(topology.concentrator, concentrator.configFile))).toEqual([]);
    chmodSync(concentrator.configFile.replace(".toml", ".key"), 0o644);
    const open = await ask(topology.concentrator, concentrator.configFile);
    expect(open.findings).toMatchObject([
      { check: "configuration", severity: "fault", mend: expect.stringContaining("chmod 600") },
    ]);
    chmodSync(concentrator.configFile.replace(".toml", ".key"), 0o600);
  });

  it("ends with status 1 when there is a fault, and 64 for an uplink that there is not", async () => {
    const run = (...options: readonly string[]) =>
      topology.router.exec(wanbondCommand("doctor", "--config", pair.client.configFile, ...options), { accept: [64] });
    expect(await run("--uplink", "isp9")).toBe("");
  });
});
