import type { PingStatistics } from "../support/traffic.ts";

/** One way to make one line of several, measured over the same lines as the others. */
export interface DesignResult {
  readonly design: string;
  /** Why figures are missing. */
  readonly error: string | null;
  readonly oneTcpKbps: number | null;
  readonly eightTcpKbps: number | null;
  readonly idle: PingStatistics | null;
  /** Beside one TCP connection. */
  readonly loaded: PingStatistics | null;
  /** A ping every 50 ms while the line that carried it is dead: what was lost, and the longest time without an answer. */
  readonly cut: { readonly sent: number; readonly lost: number; readonly longestGapMs: number } | null;
  /** Of the only processor, while one TCP connection was measured: the part that had nothing to do. */
  readonly idleProcessorRatio: number | null;
}

export interface BondingScenario {
  readonly name: string;
  readonly description: string;
  /** Of all lines, downwards. */
  readonly sumKbps: number;
  readonly designs: readonly DesignResult[];
}

export interface BondingResult {
  /** Of user-mode Linux. */
  readonly kernel: string;
  readonly node: string;
  readonly lines: "netem" | "emulator";
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly scenarios: readonly BondingScenario[];
}

/** How often the kernel's bond asks the far end whether a tunnel is alive. */
export const ARP_INTERVAL_MS = 250;
/** How long the line stays dead. */
export const OUTAGE_MS = 5000;
