import { once } from "node:events";
import type { Namespace } from "./netns.ts";
import { scriptCommand } from "./script.ts";
import { quantile } from "./statistics.ts";
import { waitFor } from "./wait.ts";

/**
 * A call, as an application sees the line: a datagram of 100 bytes every 5 ms, answered by the far end, with sequence
 * numbers and times. Times are CLOCK_MONOTONIC, the same at both ends because both are on this machine.
 */
export const PROBE_BYTES = 100;
export const PROBE_INTERVAL_MS = 5;

/** One answer that came back. */
export interface ProbeArrival {
  readonly sequence: number;
  readonly sentMs: number;
  /** When the far end answered. */
  readonly reflectedMs: number;
  readonly arrivedMs: number;
}

export interface ProbeRecord {
  /** When each datagram was sent, by sequence. */
  readonly sentMs: readonly number[];
  /** In the order of arrival. */
  readonly arrivals: readonly ProbeArrival[];
}

export interface ProbeStatistics {
  readonly sent: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Answers that came after one with a higher sequence. */
  readonly reordered: number;
  /** Longest time between two arrivals. */
  readonly longestGapMs: number | null;
  /** When that ended. */
  readonly longestGapAtMs: number | null;
  readonly rttMinMs: number | null;
  readonly rttP50Ms: number | null;
  readonly rttP95Ms: number | null;
  readonly rttMaxMs: number | null;
}

export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

const EVERYTHING: TimeWindow = { fromMs: 0, toMs: Number.POSITIVE_INFINITY };

/** @param window counts only what was sent in it (CLOCK_MONOTONIC), and gaps that end in it. */
export function summarizeProbe(record: ProbeRecord, window: TimeWindow = EVERYTHING): ProbeStatistics {
  const within = (ms: number) => ms >= window.fromMs && ms < window.toMs;
  const arrivals = record.arrivals.filter((arrival) => within(arrival.sentMs));
  const sequences = new Set(arrivals.map((arrival) => arrival.sequence));
  const sent = record.sentMs.filter(within).length;
  const rtts = arrivals.map((arrival) => arrival.arrivedMs - arrival.sentMs).sort((a, b) => a - b);
  return {
    sent,
    lost: sent - sequences.size,
    duplicates: arrivals.length - sequences.size,
    reordered: countReordered(arrivals),
    ...longestGap(record.arrivals, window),
    rttMinMs: quantile(rtts, 0),
    rttP50Ms: quantile(rtts, 0.5),
    rttP95Ms: quantile(rtts, 0.95),
    rttMaxMs: quantile(rtts, 1),
  };
}

function countReordered(arrivals: readonly ProbeArrival[]): number {
  let highest = -1;
  let reordered = 0;
  for (const { sequence } of arrivals) {
    if (sequence < highest) reordered++;
    highest = Math.max(highest, sequence);
  }
  return reordered;
}

function longestGap(
  arrivals: readonly ProbeArrival[],
  window: TimeWindow,
): Pick<ProbeStatistics, "longestGapMs" | "longestGapAtMs"> {
  let longestGapMs: number | null = null;
  let longestGapAtMs: number | null = null;
  let previousMs: number | undefined;
  for (const { arrivedMs } of arrivals) {
    const inside = arrivedMs >= window.fromMs && (previousMs ?? arrivedMs) < window.toMs;
    if (previousMs !== undefined && inside && arrivedMs - previousMs > (longestGapMs ?? -1)) {
      longestGapMs = arrivedMs - previousMs;
      longestGapAtMs = arrivedMs;
    }
    previousMs = arrivedMs;
  }
  return { longestGapMs, longestGapAtMs };
}

export interface RunningProbe {
  /** Ends the probe, waits for late answers and gives the record. */
  stop(): Promise<ProbeRecord>;
}

/**
 * Starts the reflector and the probe; resolves when the first answer has come back.
 * @param lateMs how long answers may come after the last datagram.
 */
export async function startProbe(
  from: Namespace,
  to: Namespace,
  toAddress: string,
  port = 5300,
  lateMs = 3000,
): Promise<RunningProbe> {
  const reflector = to.spawn(scriptCommand("udp-probe-main.ts", "reflect", String(port)), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const probe = from.spawn(scriptCommand("udp-probe-main.ts", "send", toAddress, String(port), String(lateMs)), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  probe.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = once(probe, "close");
  if (reflector.stdout === null || probe.stdin === null) throw new Error("unreachable: both are pipes");
  await once(reflector.stdout, "data"); // What is sent before it listens would count as lost.
  probe.stdin.write("go\n");
  await waitFor(() => output.startsWith("answered\n"), { what: "first answer to the UDP probe", deadlineMs: 15_000 });
  return {
    async stop() {
      probe.stdin?.end(); // Both programs end with their input, so also with this process.
      await ended;
      reflector.stdin?.end();
      return JSON.parse(output.slice("answered\n".length));
    },
  };
}
