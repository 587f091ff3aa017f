import type { PingStatistics, UdpResult } from "../support/traffic.ts";

/** What a run of the lab found out. Rates are goodput: payload of TCP or UDP. */
export interface LabResult {
  readonly scenario: string;
  readonly description: string;
  readonly lines: "netem" | "emulator";
  readonly direction: "down" | "up";
  readonly congestionControl: "cubic" | "bbr";
  readonly seconds: number;
  readonly alone: readonly AloneResult[];
  readonly bonds: readonly BondResult[];
}

/** A goodput and its share of what the lines could carry at that time. */
export interface Throughput {
  readonly goodputKbps: number;
  /** Of the goodput limit: mean rate of the lines × TCP payload of a full packet / its outer IP packet. */
  readonly shareRatio: number;
}

/** One line without wanbond: routed traffic of the router itself. */
export interface AloneResult {
  readonly name: string;
  readonly downKbps: number;
  readonly upKbps: number;
  readonly delayMs: number;
  readonly tcp: Throughput;
  readonly idle: PingStatistics;
  readonly loaded: PingStatistics;
}

export interface BondResult {
  readonly policy: string;
  /** Why a figure is null. */
  readonly error: string | null;
  readonly mtu: number | null;
  readonly oneTcp: Throughput | null;
  readonly eightTcp: Throughput | null;
  /** At 90 % of the goodput limit. */
  readonly udp: UdpResult | null;
  readonly idle: PingStatistics | null;
  /** Beside one TCP connection. */
  readonly loaded: PingStatistics | null;
  readonly cut: CutResult | null;
}

/** The line that carries a call of 200 datagrams/s turns into a black hole, under load of eight TCP connections. */
export interface CutResult {
  readonly line: string;
  /** Until both ends had taken the member out of the bond; null: not within the outage. */
  readonly outMs: number | null;
  readonly lost: number;
  readonly longestGapMs: number | null;
  /** TCP goodput of the remaining lines. */
  readonly goodputKbps: number | null;
  /** From the line's return until the member was used again. */
  readonly backMs: number | null;
}
