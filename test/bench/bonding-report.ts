import {
  ARP_INTERVAL_MS,
  type BondingResult,
  type BondingScenario,
  type DesignResult,
  OUTAGE_MS,
} from "./bonding-result.ts";
import type { Section } from "./report.ts";

const NONE = "–";
const HEADER = [
  "design",
  "1 TCP",
  "of the sum",
  "8 TCP",
  "of the sum",
  "ping idle p50",
  "loaded p50 / p95",
  "cut: lost",
  "longest gap",
  "processor idle",
];

/** One table for each set of lines. */
export function bondingSections(result: BondingResult): Section[] {
  return result.scenarios.map((scenario, index) => ({
    title: `Beside the kernel's own bonding: ${scenario.description}`,
    notes: index === 0 ? howMeasured(result) : [],
    header: HEADER,
    rows: scenario.designs.map((design) => rowOf(design, scenario)),
  }));
}

/** Why figures are missing. */
export function bondingTroubles({ scenarios }: BondingResult): string[] {
  return scenarios.flatMap(({ name, designs }) =>
    designs.flatMap(({ design, error }) => (error === null ? [] : [`${name}, ${design}: ${error.slice(0, 400)}`])),
  );
}

function howMeasured({ kernel, node, lines, seconds, warmUpSeconds }: BondingResult): string[] {
  return [
    `Mbit/s of TCP goodput (cubic, download) and shares of the sum of the lines' rates, one run each, ${seconds} s per`,
    `figure after ${warmUpSeconds} s of warm-up, lines by ${lines === "netem" ? "the kernel's netem" : lines}, Node ${node},`,
    `in a user-mode Linux ${kernel} with one processor on which the whole network, load and programs run.`,
    "That is slow, so the lines are slow; the last column says how much of the processor had nothing to do beside one",
    "TCP connection. Where little is left, user-space programs are late, which is not the lines' doing.",
    "The kernel's bond: a gretap tunnel per line, without encryption, MTU 1462,",
    `ARP monitoring every ${ARP_INTERVAL_MS} ms, transmit hash layer3+4 for balance-xor. wanbond: as it is, AES-256-GCM.`,
    "Headers leave 94 % of a line's rate to TCP with gretap, 92 % with wanbond.",
    "With a hash it is chance on which line one connection, or the ping, goes.",
    `The cut: in an otherwise idle bond, the line that carries most of a ping of 1000 bytes every 50 ms is a black hole for ${OUTAGE_MS / 1000} s.`,
  ];
}

function rowOf(design: DesignResult, { sumKbps }: BondingScenario): string[] {
  const { oneTcpKbps, eightTcpKbps, idle, loaded, cut, idleProcessorRatio } = design;
  return [
    design.design,
    ...throughput(oneTcpKbps, sumKbps),
    ...throughput(eightTcpKbps, sumKbps),
    ms(idle?.p50Ms),
    loaded === null ? NONE : `${ms(loaded.p50Ms)} / ${ms(loaded.p95Ms)}`,
    cut === null ? NONE : `${cut.lost} of ${cut.sent}`,
    ms(cut?.longestGapMs),
    percent(idleProcessorRatio),
  ];
}

function throughput(kbps: number | null, sumKbps: number): string[] {
  return kbps === null ? [NONE, NONE] : [(kbps / 1000).toFixed(2), percent(kbps / sumKbps)];
}

function ms(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : `${Math.round(value)} ms`;
}

function percent(ratio: number | null): string {
  return ratio === null ? NONE : `${Math.round(100 * ratio)} %`;
}
