/**
 * What `npm run bench:bonding` runs inside user-mode Linux. Arguments: seconds, seconds of warm-up, names of scenarios
 * with commas. Prints a BondingResult as JSON.
 */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { scenarioNamed } from "../lab/options.ts";
import type { Scenario } from "../lab/scenarios.ts";
import { startLines } from "../support/emulator.ts";
import type { LineEmulation } from "../support/emulator-settings.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measurePing, measureTcp } from "../support/traffic.ts";
import { sleep } from "../support/wait.ts";
import { DESIGNS, type Design } from "./bonding-designs.ts";
import { type BondingResult, type BondingScenario, type DesignResult, OUTAGE_MS } from "./bonding-result.ts";

const seconds = Number(process.argv[2]);
const warmUpSeconds = Number(process.argv[3]);
const names = (process.argv[4] ?? "").split(",");
const NOTHING = { oneTcpKbps: null, eightTcpKbps: null, idle: null, loaded: null, cut: null, idleProcessorRatio: null };
let kind: BondingResult["lines"] = "emulator";

function progress(text: string): void {
  console.error(`# ${Math.round(performance.now() / 1000)} s: ${text}`);
}

async function measureScenario({ name, description, lines }: Scenario): Promise<BondingScenario> {
  progress(`${name}: ${description}`);
  const topology = await buildTopology({ uplinkCount: lines.length, nat: false });
  const emulation = await startLines(topology, lines);
  kind = emulation.kind;
  const designs: DesignResult[] = [];
  for (const design of DESIGNS) {
    const result = await measureDesign(design, topology, emulation);
    progress(`${name}: ${JSON.stringify(result)}`);
    designs.push(result);
  }
  await emulation.stop();
  topology.remove();
  const sumKbps = lines.reduce((sum, { down }) => sum + down.rateKbps, 0);
  return { name, description, sumKbps, designs };
}

/** A design that fails is part of the result, so that others go on. */
async function measureDesign(design: Design, topology: Topology, emulation: LineEmulation): Promise<DesignResult> {
  let stop: (() => Promise<void>) | undefined;
  try {
    stop = await design.start(topology);
    return { design: design.name, error: null, ...(await measureFigures(topology, emulation)) };
  } catch (error) {
    return { design: design.name, error: String(error), ...NOTHING };
  } finally {
    await stop?.();
  }
}

async function measureFigures(topology: Topology, emulation: LineEmulation) {
  const { lan, server } = topology;
  const load = { client: lan, server, serverAddress: ADDRESSES.server, seconds, omitSeconds: warmUpSeconds };
  // Programs are compiled while they run: what comes first tells nothing of what comes later.
  await measureTcp({ ...load, flows: 8, seconds: warmUpSeconds, omitSeconds: 0 });
  const idle = await measurePing(lan, ADDRESSES.server, { seconds: 3 });
  const before = processorTicks();
  const [oneTcp, loaded] = await Promise.all([
    measureTcp(load),
    sleep(warmUpSeconds * 1000).then(() => measurePing(lan, ADDRESSES.server, { seconds })),
  ]);
  const idleProcessorRatio = idleRatio(before, processorTicks());
  const eightTcp = await measureTcp({ ...load, flows: 8 });
  const cut = await measureCut(topology, emulation);
  return {
    oneTcpKbps: oneTcp.goodputKbps,
    eightTcpKbps: eightTcp.goodputKbps,
    idle,
    loaded,
    cut,
    idleProcessorRatio,
  };
}

/** Kills the line that carries a stream of pings. */
async function measureCut(topology: Topology, emulation: LineEmulation): Promise<DesignResult["cut"]> {
  const { lan } = topology;
  const count = (2 * OUTAGE_MS) / 50;
  // Large enough to stand out among keepalives, whose line is not the one to cut.
  const pings = lan.exec(["ping", "-n", "-s", "1000", "-i", "0.05", "-c", String(count), "-W", "2", ADDRESSES.server], {
    accept: [0, 1],
  });
  const line = await busiestLine(topology, OUTAGE_MS / 4);
  await emulation.set(line, { cut: true });
  await sleep(OUTAGE_MS);
  await emulation.set(line, { cut: false });
  const answered = [...(await pings).matchAll(/ icmp_seq=(\d+) /g)].map((match) => Number(match[1]));
  const sequences = [...new Set(answered)].sort((a, b) => a - b);
  const gaps = sequences.map((sequence, index) => sequence - (sequences[index - 1] ?? 0));
  return { sent: count, lost: count - sequences.length, longestGapMs: 50 * Math.max(...gaps, 0) };
}

/** By what went down it within this time. */
async function busiestLine({ core, uplinks }: Topology, spanMs: number): Promise<number> {
  const files = uplinks.map((_, index) => `/sys/class/net/isp${index + 1}/statistics/tx_bytes`);
  const sent = async () => (await core.exec(["cat", ...files])).trim().split("\n").map(Number);
  const before = await sent();
  await sleep(spanMs);
  const moved = (await sent()).map((bytes, index) => bytes - (before[index] ?? 0));
  return moved.indexOf(Math.max(...moved));
}

/** All and idle ones since the boot. */
function processorTicks(): { all: number; idle: number } {
  const ticks = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "").split(/ +/).slice(1).map(Number);
  return { all: ticks.reduce((sum, value) => sum + value, 0), idle: ticks[3] ?? 0 };
}

function idleRatio(before: { all: number; idle: number }, after: { all: number; idle: number }): number {
  return (after.idle - before.idle) / Math.max(1, after.all - before.all);
}

const scenarios: BondingScenario[] = [];
for (const name of names) scenarios.push(await measureScenario(scenarioNamed(name)));
const result: BondingResult = {
  kernel: release(),
  node: process.version,
  lines: kind,
  seconds,
  warmUpSeconds,
  scenarios,
};
console.log(JSON.stringify(result));
process.exit(0);
