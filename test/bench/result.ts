import type { PolicyCost, StageCost, X25519Cost } from "./cost-result.ts";

/** TCP from near to far. */
export interface TcpSample {
  readonly goodputGbps: number;
  /** Of the tunnel's processes, per 10^9 bytes carried; null for a way without processes. */
  readonly processorSecondsPerGb: number | null;
}

/** UDP from near to far in the smallest packets. */
export interface UdpSample {
  readonly receivedPerSecond: number;
  readonly lostRatio: number;
}

/** What one round says of one tunnel; null: not measured, or not measurable, which `errors` of the tunnel says. */
export interface TunnelSample {
  readonly oneTcp: TcpSample | null;
  readonly eightTcp: TcpSample | null;
  /** At a rate that is asked for. */
  readonly pacedUdp: UdpSample | null;
  /** As fast as the sender can. */
  readonly floodUdp: UdpSample | null;
  /** Round trips of single packets on a quiet tunnel. */
  readonly pingMs: readonly number[] | null;
  /** Resident memory after all that, by process. */
  readonly residentBytes: Readonly<Record<string, number>>;
}

export interface TunnelResult {
  readonly name: string;
  readonly description: string;
  /** What its program says of itself; null for our own. */
  readonly version: string | null;
  /** Why it was left out. */
  readonly skipped: string | null;
  readonly samples: readonly TunnelSample[];
  readonly errors: readonly string[];
}

interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
}

export interface BenchResult {
  /** As it was called, to be repeated. */
  readonly command: string;
  readonly machine: Machine;
  readonly seconds: number;
  readonly rounds: number;
  readonly tunnels: readonly TunnelResult[];
  readonly policies: readonly PolicyCost[];
  readonly stages: readonly StageCost[];
  readonly x25519: readonly X25519Cost[];
  /** What could not be measured of the code alone. */
  readonly errors: readonly string[];
  readonly bareNodeBytes: { readonly alone: number; readonly withThread: number } | null;
}
