/**
 * What uml-netem.test.ts runs inside user-mode Linux: lines by true netem one by one, then the lab itself over three of
 * them. Prints a NetemReport as JSON.
 */
import { once } from "node:events";
import { release } from "node:os";
import { scenarioNamed } from "../lab/options.ts";
import type { LabResult } from "../lab/result.ts";
import { LabRun } from "../lab/runner.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { connectVeth, createNamespaces } from "../support/netns.ts";
import { scriptCommand } from "../support/script.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measurePing, measureTcp } from "../support/traffic.ts";
import type { ContainerLine, LineFacts, NetemReport } from "./netem-report.ts";

function progress(text: string): void {
  console.error(`# ${text}`);
}

async function lineFacts(): Promise<LineFacts> {
  const topology = await buildTopology({ uplinkCount: 2, ipv6: true, nat: false });
  const lines = [line(8000, 2000, 25), line(4000, 1000, 40, { pdvMs: 8, lossRatio: 0.02 })];
  const emulation = await startLines(topology, lines);
  progress("single lines");
  const facts = await measureLines(topology, emulation);
  await emulation.stop();
  topology.remove();
  return facts;
}

async function measureLines(topology: Topology, emulation: LineEmulation): Promise<LineFacts> {
  const { router, server } = topology;
  const ping = (bindDevice: string, seconds = 1, address: string = ADDRESSES.server) =>
    measurePing(router, address, { seconds, bindDevice });
  const load = { client: router, server, serverAddress: ADDRESSES.server, seconds: 2, omitSeconds: 1 };
  const goodput = async () => (await measureTcp({ ...load, bindDevice: "isp1" })).goodputKbps;

  await Promise.all([ping("isp1"), ping("isp2")]); // Each device's first packet waits for its neighbour's address.
  const first = await ping("isp1");
  const first6 = await ping("isp1", 1, ADDRESSES.server6);
  const second = await ping("isp2", 8);
  const goodputKbps = await goodput();
  await emulation.set(0, { down: { rateKbps: 4000 } });
  const halvedKbps = await goodput();
  await emulation.set(0, { extraDelayMs: 100 });
  const spike = await ping("isp1");
  await emulation.set(0, { extraDelayMs: 0, cut: true });
  const cut = await ping("isp1");
  await emulation.set(0, { cut: false });
  const restored = await ping("isp1");
  const mtu = await measureMtu(topology, emulation);
  return { kind: emulation.kind, first, first6, second, goodputKbps, halvedKbps, spike, cut, restored, mtu };
}

async function measureMtu(topology: Topology, emulation: LineEmulation): Promise<LineFacts["mtu"]> {
  const passes = async (packetBytes: number) => {
    const size = ["-M", "do", "-s", String(packetBytes - 28)];
    const command = ["ping", "-n", "-c", "1", "-W", "1", "-I", "isp1", ...size, ADDRESSES.server];
    return (await topology.router.exec(command, { accept: [0, 1] })).includes(" 1 received");
  };
  await emulation.set(0, { mtuBytes: 1400 });
  const bytes1400 = await passes(1400);
  const bytes1401 = await passes(1401);
  await emulation.set(0, { mtuBytes: 1500 });
  return { bytes1400, bytes1401, afterwards: await passes(1500) };
}

/** In place of the containers there are three namespaces: home, ISP and the rest. */
async function containerLine(): Promise<ContainerLine> {
  progress("the line of the lab in containers");
  const [home, isp, far] = await createNamespaces(["home", "isp", "far"]);
  if (!home || !isp || !far) throw new Error("unreachable: three namespaces were asked for");
  await connectVeth(home, "eth0", isp, "access");
  await connectVeth(isp, "internet", far, "eth0");
  await home.ip("addr add 198.18.101.2/24 dev eth0", "route add default via 198.18.101.1");
  await isp.ip("addr add 198.18.101.1/24 dev access", "addr add 198.19.1.1/24 dev internet");
  await isp.sysctl({ "net.ipv4.ip_forward": 1 });
  await far.ip("addr add 198.19.1.80/24 dev eth0", "route add default via 198.19.1.1");
  const program = (...parameters: string[]) => scriptCommand("../../deploy/docker/lab/line-main.ts", ...parameters);
  const settings = ["DOWN=2000", "UP=1000", "DELAY=20", "JITTER=0", "LOSS=0"];
  const line = isp.spawn(["env", ...settings, ...program("run", "access", "internet")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(line.stdout ?? line, "data");
  const ping = () => measurePing(home, "198.19.1.80", { seconds: 1 });
  await ping(); // The first packet waits for its neighbour's address.
  const living = await ping();
  await isp.exec(program("set", '{"cut":true}'));
  const cut = await ping();
  for (const namespace of [home, isp, far]) namespace.remove();
  return { said: String(said), living, cut };
}

async function labResult(): Promise<LabResult> {
  const lab = new LabRun(
    {
      scenarios: [scenarioNamed("slow3")],
      policies: ["aggregate"],
      directions: ["down"],
      congestionControls: ["cubic"],
      figures: new Set(["ping", "one-tcp", "cut"]),
      rounds: 1,
      seconds: 4,
      warmUpSeconds: 10,
      nat: false,
      json: true,
      keep: false,
    },
    progress,
  );
  await lab.run(async () => undefined);
  return lab.result;
}

const lines = await lineFacts();
const container = await containerLine();
const report: NetemReport = { kernel: release(), lines, container, lab: await labResult() };
console.log(JSON.stringify(report));
process.exit(0);
