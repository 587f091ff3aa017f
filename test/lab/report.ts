import type { PingStatistics } from "../support/traffic.ts";
import type { AloneResult, BondResult, CutResult, LabResult, Throughput } from "./result.ts";

/** The lab's result as a text for people, lines of at most 120 columns. */
export function renderReport(result: LabResult): string {
  const { scenario, description, lines, direction, congestionControl, seconds } = result;
  const how = `lines by ${lines === "netem" ? "the kernel's netem" : "wanbond's emulator"}`;
  return [
    `wanbond lab: ${scenario}: ${description}`,
    `${how}, ${direction === "down" ? "download" : "upload"}, TCP ${congestionControl}, ${seconds} s per figure`,
    "",
    "Each line alone (routed, without wanbond)",
    renderTable(ALONE_HEADER, result.alone.map(aloneRow)),
    "",
    "The bond, one row per policy (share: of the goodput limit, the sum of the lines less all headers)",
    renderTable(BOND_HEADER, result.bonds.map(bondRow)),
    "",
    "The line that carries a call of 200 datagrams/s is cut, beside 8 TCP connections",
    renderTable(
      CUT_HEADER,
      result.bonds.flatMap((bond) => (bond.cut === null ? [] : [cutRow(bond.policy, bond.cut)])),
    ),
    ...result.bonds.flatMap((bond) => (bond.error === null ? [] : ["", renderError(bond.policy, bond.error)])),
  ].join("\n");
}

/** Enough of a program's log to see what is wrong; --json has all of it. */
const ERROR_LINES = 12;

function renderError(policy: string, error: string): string {
  const lines = error.split("\n").filter((line) => line.trim() !== "");
  return `${policy} was not measured in full: ${lines.slice(0, ERROR_LINES).join("\n  ")}`;
}

const ALONE_HEADER = ["line", "Mbit/s", "delay", "1 TCP", "share", "ping idle", "loaded p50 / p95"];
const BOND_HEADER = [
  "policy",
  "1 TCP",
  "share",
  "8 TCP",
  "share",
  "UDP 90 %",
  "lost",
  "reordered",
  "ping idle",
  "loaded p50 / p95",
];
const CUT_HEADER = ["policy", "line", "out after", "lost", "longest gap", "TCP meanwhile", "back after"];

function aloneRow(line: AloneResult): string[] {
  return [
    line.name,
    `${mbit(line.downKbps)} / ${mbit(line.upKbps)}`,
    ms(line.delayMs),
    ...throughput(line.tcp),
    ms(line.idle.p50Ms),
    loaded(line.loaded),
  ];
}

function bondRow(bond: BondResult): string[] {
  const { udp } = bond;
  return [
    bond.policy,
    ...throughput(bond.oneTcp),
    ...throughput(bond.eightTcp),
    udp === null ? "–" : mbit(udp.goodputKbps),
    udp === null ? "–" : `${(udp.lostRatio * 100).toFixed(2)} %`,
    udp === null ? "–" : String(udp.reordered),
    ms(bond.idle?.p50Ms),
    loaded(bond.loaded),
  ];
}

function cutRow(policy: string, cut: CutResult): string[] {
  const goodput = cut.goodputKbps === null ? "–" : mbit(cut.goodputKbps);
  return [policy, cut.line, ms(cut.outMs), String(cut.lost), ms(cut.longestGapMs), goodput, ms(cut.backMs)];
}

function throughput(value: Throughput | null): string[] {
  return value === null ? ["–", "–"] : [mbit(value.goodputKbps), `${Math.round(value.shareRatio * 100)} %`];
}

function loaded(ping: PingStatistics | null): string {
  return ping === null ? "–" : `${ms(ping.p50Ms)} / ${ms(ping.p95Ms)}`;
}

function mbit(kbps: number): string {
  return (kbps / 1000).toFixed(1);
}

function ms(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : `${Math.round(value)} ms`;
}

/** The first column to the left, figures to the right, two spaces between. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const render = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
  const rule = widths.map((width) => "─".repeat(width));
  return [render(header), rule, ...rows.map(render)].map((row) => row.join("  ")).join("\n");
}
