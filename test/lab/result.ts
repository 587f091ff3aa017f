import type { PingStatistics, UdpResult } from "../support/traffic.ts";

export type Direction = "down" | "up";
export type CongestionControl = "cubic" | "bbr";

/** What a run of the lab found out. Rates are goodput: payload of TCP or UDP. */
export interface LabResult {
  /** false: it was interrupted, or is still running; what was measured by then is here. */
  readonly complete: boolean;
  /** What the lines were; both where some of the scenarios have lines that reorder. */
  readonly lines: "netem" | "emulator" | "both" | null;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly scenarios: readonly { readonly name: string; readonly description: string }[];
  readonly alone: readonly AloneResult[];
  /** One per case: medians of its rounds, beside what is to be reached. */
  readonly rows: readonly Row[];
  /** Every round as it was. */
  readonly runs: readonly RunResult[];
}

/** The load of a measurement. */
export interface Load {
  readonly congestionControl: CongestionControl;
  readonly direction: Direction;
}

/** What is measured as a whole, once in every round. */
export interface Case extends Load {
  readonly scenario: string;
  readonly policy: string;
}

/** A goodput and what the lines could carry as goodput at that time. */
export interface Throughput {
  readonly goodputKbps: number;
  /** Mean rate of the lines × TCP payload of a full packet / its outer IP packet. */
  readonly limitKbps: number;
}

/** One line without wanbond: routed traffic of the router itself. */
export interface AloneResult extends Load {
  readonly scenario: string;
  readonly name: string;
  readonly downKbps: number;
  readonly upKbps: number;
  readonly delayMs: number;
  readonly tcp: Throughput;
  readonly idle: PingStatistics;
  readonly loaded: PingStatistics;
}

export interface RunResult extends Case {
  /** From 1. */
  readonly round: number;
  /** Why a figure that was asked for is null. */
  readonly error: string | null;
  readonly mtu: number | null;
  readonly idle: PingStatistics | null;
  readonly oneTcp: OneTcpResult | null;
  readonly eightTcp: Throughput | null;
  /** At 90 % of the goodput limit. */
  readonly udp: UdpResult | null;
  readonly start: StartResult | null;
  readonly cut: CutResult | null;
  readonly spike: SpikeResult | null;
  readonly flap: FlapResult | null;
}

export interface OneTcpResult extends Throughput {
  /** Goodput of the warm-up. */
  readonly startKbps: number | null;
  /** Beside it, after the warm-up. */
  readonly loaded: PingStatistics;
  /** Of the kernels' TCP. */
  readonly retransmissions: number;
  /** null: the policy sends everything once, or sends all of it on all lines. */
  readonly redundancy: Redundancy | null;
}

/** Bytes of frames that the bond's sender gave to the lines while a figure was measured, warm-up included. */
export interface Redundancy {
  readonly firstBytes: number;
  /** Lost elsewhere, or under way on a silent member: what was re-injected is in it. */
  readonly retransmittedBytes: number;
  readonly reinjectedFrames: number;
  readonly duplicatedBytes: number;
  readonly parityBytes: number;
  /** Feedback, probes and padding, of this sender and of the far one. */
  readonly controlBytes: number;
  readonly farControlBytes: number;
}

/** The line that carries a call of 200 datagrams/s turns into a black hole, beside one TCP connection at full speed. */
export interface CutResult {
  readonly line: string;
  /** Until both ends had taken the member out of the bond; null: not within the outage. */
  readonly outMs: number | null;
  /** Of the call, until the end. */
  readonly lost: number;
  readonly longestGapMs: number | null;
  /** When that ended, from the cut on; the line returns after 5 s. */
  readonly gapAfterMs: number | null;
  /** Goodput limit of the other lines, and TCP goodput from 1 s after the cut on. */
  readonly remainingKbps: number;
  readonly goodputKbps: number;
  /** From the cut until TCP had 80 % of that limit, from the return until it had 80 % of the sum; null: not reached. */
  readonly recoveredMs: number | null;
  readonly returnedMs: number | null;
  /** From the line's return until the member was used again. */
  readonly backMs: number | null;
}

/** The line that carries a call has an RTT of 2 s for 15 s, beside one TCP connection at full speed. */
export interface SpikeResult {
  readonly line: string;
  /** Of the call, while it lasted. */
  readonly sent: number;
  readonly lost: number;
  /** More than 50 ms over the 99th percentile of the idle bond. */
  readonly late: number;
  readonly slowestMs: number | null;
  readonly longestGapMs: number | null;
  readonly remainingKbps: number;
  readonly goodputKbps: number;
}

/** The line that carries a call is dead every other 2 s, beside one TCP connection at full speed. */
export interface FlapResult {
  readonly line: string;
  readonly sent: number;
  readonly lost: number;
  readonly longestGapMs: number | null;
  readonly remainingKbps: number;
  readonly goodputKbps: number;
}

/** A download of 10 MB from an idle bond. */
export interface StartResult {
  readonly durationMs: number;
  /** What TCP would need on one line with the goodput of all, and what its bytes alone take there. */
  readonly idealMs: number;
  readonly bareMs: number;
}

/** One figure of a case over its rounds. */
export interface Value {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** What is to be reached; null: nothing is said. */
  readonly atLeast: number | null;
  readonly atMost: number | null;
  readonly ok: boolean | null;
}

export interface Row extends Case {
  readonly rounds: number;
  /** By the names of values.ts; what was not measured is missing. */
  readonly values: Readonly<Record<string, Value>>;
  /** Names of the values that miss what is to be reached. */
  readonly missed: readonly string[];
  readonly errors: readonly string[];
}
