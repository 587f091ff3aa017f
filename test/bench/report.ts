import { renderTable } from "../lab/report.ts";
import { quantile } from "../support/statistics.ts";
import type { LoopCost } from "./cost-result.ts";
import { median } from "./cost-timing.ts";
import { PACED_PACKETS_PER_SECOND } from "./measure-tunnel.ts";
import type { BenchResult, TcpSample, TunnelResult, TunnelSample, UdpSample } from "./result.ts";
import { REFERENCES } from "./tunnels.ts";

/** A table with the sentences that say how to read it. */
export interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of words, at the left; figures follow. Default: 1. */
  readonly wordColumns?: number;
}

const NONE = "–";

/** What was measured, section by section; parts that were not asked for are left out. */
export function sectionsOf(result: BenchResult): Section[] {
  const all = [
    tunnelSection(result),
    tcpSection(result),
    udpSection(result),
    pingSection(result),
    memorySection(result),
    policySection(result),
    stageSection(result),
    x25519Section(result),
  ];
  return all.filter(({ rows }) => rows.length > 0);
}

/** For people at a terminal. */
export function renderText(result: BenchResult): string {
  const { machine, seconds, rounds } = result;
  const { processor, cores, kernel, node } = machine;
  const head = [
    `wanbond bench: ${processor}, ${cores} cores, Linux ${kernel}, node ${node}`,
    `${seconds} s per figure, medians of ${rounds} rounds in which all take turns`,
  ];
  const sections = sectionsOf(result).map((section) =>
    ["", section.title, ...section.notes.map((note) => `  ${note}`), tableOf(section)].join("\n"),
  );
  const missing = troubles(result).map((line) => `  ${line}`);
  return [...head, ...sections, ...(missing.length === 0 ? [] : ["", "Not measured", ...missing])].join("\n");
}

/** The table of a section, its words at the left of their columns. */
export function tableOf({ header, rows, wordColumns = 1 }: Section): string {
  const width = (column: number) => Math.max(...[header, ...rows].map((row) => (row[column] ?? "").length));
  const aligned = [header, ...rows].map((row) =>
    row.map((cell, column) => (column < wordColumns ? cell.padEnd(width(column)) : cell)),
  );
  return renderTable(aligned[0] ?? [], aligned.slice(1));
}

/** What is missing in the tables, and why. */
export function troubles({ tunnels, errors }: BenchResult): string[] {
  const skipped = tunnels.flatMap(({ name, skipped: why }) => (why === null ? [] : [`${name}: ${why}`]));
  const failed = tunnels.flatMap((tunnel) => tunnel.errors.map((error) => `${tunnel.name}: ${firstLines(error)}`));
  return [...skipped, ...failed, ...errors.map(firstLines)];
}

/** Enough to see what is wrong; --json has all of it. */
function firstLines(error: string): string {
  return error.split("\n").slice(0, 4).join(" ").slice(0, 400);
}

function tunnelSection({ tunnels }: BenchResult): Section {
  const rows = tunnels.filter(({ samples }) => samples.length > 0);
  return {
    title: "The tunnels",
    notes: ["Each as its manual configures it, without tuning."],
    header: ["tunnel", "what it is", "version"],
    wordColumns: 3,
    rows: rows.map(({ name, description, version }) => [name, description, version ?? NONE]),
  };
}

function tcpSection({ tunnels }: BenchResult): Section {
  const reference = (name: string) =>
    tcpMedian(
      tunnels.find((tunnel) => tunnel.name === name),
      "oneTcp",
    );
  const link = reference(REFERENCES.link);
  const baseline = reference(REFERENCES.baseline);
  const row = (tunnel: TunnelResult): string[] => {
    const one = tcpMedian(tunnel, "oneTcp");
    return [
      tunnel.name,
      fixed(one, 2),
      range(goodputs(tunnel, "oneTcp")),
      percent(one / link),
      times(one / baseline),
      fixed(processorMedian(tunnel, "oneTcp"), 2),
      fixed(tcpMedian(tunnel, "eightTcp"), 2),
      range(goodputs(tunnel, "eightTcp")),
      fixed(processorMedian(tunnel, "eightTcp"), 2),
    ];
  };
  return {
    title: "TCP from TAP to TAP, Gbit/s of goodput by iperf3",
    notes: [
      "CPU: processor seconds of the tunnel's processes at both ends, kernel time included, per GB carried.",
      "iperf3's two ends run on the same processors beside them.",
    ],
    header: [
      "tunnel",
      "1 TCP",
      "range",
      `of ${REFERENCES.link}`,
      `to ${REFERENCES.baseline}`,
      "CPU s/GB",
      "8 TCP",
      "range",
      "CPU s/GB",
    ],
    rows: tunnels.filter((tunnel) => has(tunnel, "oneTcp") || has(tunnel, "eightTcp")).map(row),
  };
}

function udpSection({ tunnels }: BenchResult): Section {
  const paced = `${PACED_PACKETS_PER_SECOND / 1000} k/s`;
  return {
    title: "UDP in IP packets of 64 bytes, thousands received per second by iperf3",
    notes: [`Offered at ${paced}, then as fast as iperf3 can on processors it shares with the tunnel.`],
    header: ["tunnel", `of ${paced}`, "lost", "without pause", "lost"],
    rows: tunnels
      .filter((tunnel) => has(tunnel, "pacedUdp") || has(tunnel, "floodUdp"))
      .map((tunnel) => [tunnel.name, ...udpCells(tunnel, "pacedUdp"), ...udpCells(tunnel, "floodUdp")]),
  };
}

function udpCells(tunnel: TunnelResult, figure: "pacedUdp" | "floodUdp"): string[] {
  const samples = tunnel.samples.flatMap((sample): UdpSample[] => (sample[figure] === null ? [] : [sample[figure]]));
  const received = median(samples.map(({ receivedPerSecond }) => receivedPerSecond));
  return [fixed(received / 1000, 0), percent(median(samples.map(({ lostRatio }) => lostRatio)), 2)];
}

function pingSection({ tunnels }: BenchResult): Section {
  const link = pings(tunnels.find(({ name }) => name === REFERENCES.link));
  const row = (tunnel: TunnelResult): string[] => {
    const all = pings(tunnel);
    const p50 = microseconds(all, 0.5);
    const p99 = microseconds(all, 0.99);
    const added = [p50 - microseconds(link, 0.5), p99 - microseconds(link, 0.99)];
    return [tunnel.name, String(all.length), fixed(p50, 0), fixed(p99, 0), ...added.map((value) => fixed(value, 0))];
  };
  return {
    title: "Ping on a quiet tunnel, microseconds",
    notes: [`Every 5 ms, after a second of load each way; added: to what the same pings take over ${REFERENCES.link}.`],
    header: ["tunnel", "pings", "p50", "p99", "added p50", "added p99"],
    rows: tunnels.filter((tunnel) => has(tunnel, "pingMs")).map(row),
  };
}

function memorySection({ tunnels, bareNodeBytes }: BenchResult): Section {
  const rows = tunnels.flatMap(({ name, samples }) => {
    const kinds = Object.keys(samples[0]?.residentBytes ?? {});
    return kinds.map((kind) => [
      name,
      kind,
      megabytes(Math.max(...samples.map((each) => each.residentBytes[kind] ?? 0))),
    ]);
  });
  const node = [
    ["node", "alone", megabytes(bareNodeBytes?.alone ?? Number.NaN)],
    ["node", "with a second thread", megabytes(bareNodeBytes?.withThread ?? Number.NaN)],
  ];
  return {
    title: "Resident memory after all of this, MB",
    notes: ["The largest of all rounds, and what Node takes that does nothing."],
    header: ["tunnel", "process", "MB"],
    wordColumns: 2,
    rows: rows.length === 0 ? [] : [...rows, ...node],
  };
}

function policySection({ policies }: BenchResult): Section {
  const cells = ({ egressNs, ingressNs }: LoopCost) => [egressNs, ingressNs, egressNs + ingressNs];
  return {
    title: "The packet loop's own cost, ns per frame",
    notes: [
      "Everything but system calls and cipher, on ports that only move headers and whose own cost is taken off.",
      "64 frames at once as under load, then one frame at a time. Out: TAP to line, and what the far end reports of it;",
      "in: line to TAP, with the check that a routed concentrator makes; four members, of which broadcast uses all for",
      "every frame.",
    ],
    header: ["policy", "out", "in", "both ends", "of it the pick", "alone: out", "in", "both ends"],
    rows: policies.map(({ policy, loaded, pickNs, alone }) => [
      policy,
      ...[...cells(loaded), pickNs, ...cells(alone)].map((ns) => fixed(ns, 0)),
    ]),
  };
}

function stageSection({ stages }: BenchResult): Section {
  return {
    title: "Its steps one by one, ns per frame",
    notes: ["Each in a loop of its own over frames of eight TCP flows."],
    header: ["step", "ns"],
    rows: stages.map(({ name, ns }) => [name, fixed(ns, 1)]),
  };
}

function x25519Section({ x25519 }: BenchResult): Section {
  return {
    title: "X25519, microseconds",
    notes: ["A multiplication, and the arithmetic of a concentrator's answer to one handshake."],
    header: ["implementation", "multiplication", "answer"],
    rows: x25519.map(({ name, multiplicationUs, handshakeUs }) => [
      name,
      fixed(multiplicationUs, 0),
      fixed(handshakeUs, 0),
    ]),
  };
}

function has(tunnel: TunnelResult, figure: keyof TunnelSample): boolean {
  return tunnel.samples.some((sample) => sample[figure] !== null);
}

function tcpSamples(tunnel: TunnelResult | undefined, figure: "oneTcp" | "eightTcp"): TcpSample[] {
  return tunnel?.samples.flatMap((sample): TcpSample[] => (sample[figure] === null ? [] : [sample[figure]])) ?? [];
}

function goodputs(tunnel: TunnelResult | undefined, figure: "oneTcp" | "eightTcp"): number[] {
  return tcpSamples(tunnel, figure).map(({ goodputGbps }) => goodputGbps);
}

function tcpMedian(tunnel: TunnelResult | undefined, figure: "oneTcp" | "eightTcp"): number {
  return median(goodputs(tunnel, figure));
}

function processorMedian(tunnel: TunnelResult, figure: "oneTcp" | "eightTcp"): number {
  return median(tcpSamples(tunnel, figure).flatMap(({ processorSecondsPerGb }) => processorSecondsPerGb ?? []));
}

function pings(tunnel: TunnelResult | undefined): number[] {
  return (tunnel?.samples ?? []).flatMap(({ pingMs }) => pingMs ?? []).sort((a, b) => a - b);
}

function microseconds(sorted: readonly number[], q: number): number {
  return (quantile(sorted, q) ?? Number.NaN) * 1000;
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : NONE;
}

function range(values: readonly number[]): string {
  return values.length === 0 ? NONE : `${fixed(Math.min(...values), 2)}–${fixed(Math.max(...values), 2)}`;
}

function percent(ratio: number, digits = 0): string {
  return Number.isFinite(ratio) ? `${(ratio * 100).toFixed(digits)} %` : NONE;
}

function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(1)} x` : NONE;
}

function megabytes(bytes: number): string {
  return fixed(bytes / 1e6, 0);
}
