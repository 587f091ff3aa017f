import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Namespace } from "./netns.ts";
import { monotonicMs } from "./script.ts";
import { quantile } from "./statistics.ts";
import { waitFor } from "./wait.ts";

/** Load and measurement by the programs everybody uses: iperf3 and ping. */
export interface IperfOptions {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly serverAddress: string;
  readonly seconds: number;
  /** Seconds at the start that do not count, for slow start. Default 0. */
  readonly omitSeconds?: number;
  /** Down: from server to client. Default "down", which is what users feel. */
  readonly direction?: "down" | "up";
  /** The client's device, for a connection past the routing table. */
  readonly bindDevice?: string;
  readonly port?: number;
}

export interface TcpOptions extends IperfOptions {
  readonly flows?: number;
  readonly congestionControl?: "cubic" | "bbr";
}

export interface UdpOptions extends IperfOptions {
  /** Of payload, without headers. */
  readonly rateKbps: number;
  readonly payloadBytes: number;
}

export interface TcpResult {
  readonly goodputKbps: number;
  /** When iperf3 was started, in CLOCK_MONOTONIC. */
  readonly startedMs: number;
  readonly retransmissions: number;
  /** Goodput of the whole run, second by second, omitted ones included. */
  readonly secondsKbps: readonly number[];
  /** Of each connection in the last second of the run. */
  readonly lastSecondKbps: readonly number[];
}

export interface UdpResult {
  readonly goodputKbps: number;
  readonly sent: number;
  readonly lost: number;
  readonly lostRatio: number;
  readonly reordered: number;
}

export interface PingStatistics {
  readonly sent: number;
  readonly received: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly maxMs: number | null;
}

export async function measureTcp(options: TcpOptions): Promise<TcpResult> {
  const { flows = 1, congestionControl = "cubic" } = options;
  const { report, startedMs } = await runIperf(options, ["-P", String(flows), "-C", congestionControl]);
  return {
    goodputKbps: report.end.sum_received.bits_per_second / 1000,
    startedMs,
    retransmissions: report.end.sum_sent.retransmits ?? 0,
    secondsKbps: report.intervals.map((interval) => interval.sum.bits_per_second / 1000),
    lastSecondKbps: (report.intervals.at(-1)?.streams ?? []).map((stream) => stream.bits_per_second / 1000),
  };
}

export async function measureUdp(options: UdpOptions): Promise<UdpResult> {
  const { rateKbps, payloadBytes } = options;
  const load = ["-u", "-b", `${Math.round(rateKbps)}k`, "-l", String(payloadBytes), "-w", String(bufferBytes())];
  const { report } = await runIperf(options, load);
  const { sum } = report.end;
  // Only the receiver counts reordering; going up, that is the server.
  const { streams } = (options.direction === "up" ? report.server_output_json?.end : undefined) ?? report.end;
  const reordered = streams.map((stream) => stream.udp?.out_of_order ?? 0);
  return {
    goodputKbps: (sum.bits_per_second * (1 - sum.lost_percent / 100)) / 1000,
    sent: sum.packets,
    lost: sum.lost_packets,
    lostRatio: sum.lost_packets / Math.max(1, sum.packets),
    reordered: reordered.reduce((total, count) => total + count, 0),
  };
}

/** As much as the system allows: what a busy machine fetches too late from the socket is not lost by the line. */
function bufferBytes(): number {
  const limits = ["rmem_max", "wmem_max"].map((name) => Number(readFileSync(`/proc/sys/net/core/${name}`, "utf8")));
  return Math.min(4_194_304, ...limits);
}

export interface PingOptions {
  /** How often. Default 50 ms. */
  readonly intervalMs?: number;
  readonly seconds: number;
  /** Seconds before them that do not count. Default 0. */
  readonly omitSeconds?: number;
  readonly bindDevice?: string;
}

/** Of the last ping iputils waits for the answer no longer than an interval or two round trips: others follow those that count. */
const FOLLOWING_MS = 500;

export async function measurePing(from: Namespace, address: string, options: PingOptions): Promise<PingStatistics> {
  const { intervalMs = 50, seconds, omitSeconds = 0, bindDevice } = options;
  const omitted = Math.round((omitSeconds * 1000) / intervalMs);
  const counted = Math.max(1, Math.round((seconds * 1000) / intervalMs));
  const count = omitted + counted + Math.ceil(FOLLOWING_MS / intervalMs);
  const device = bindDevice === undefined ? [] : ["-I", bindDevice];
  const command = ["ping", "-n", "-i", String(intervalMs / 1000), "-c", String(count), "-W", "2", ...device, address];
  // Status 1 says that no answer came, which is a result like others.
  const deadlineMs = (omitSeconds + seconds) * 1000 + 15_000;
  return parsePing(await from.exec(command, { deadlineMs, accept: [0, 1] }), omitted, counted);
}

/** Reads the output of iputils' ping. @param omitted so many at the start do not count, nor what comes after `counted`. */
export function parsePing(output: string, omitted = 0, counted = Number.POSITIVE_INFINITY): PingStatistics {
  const answers = [...output.matchAll(/ icmp_seq=(\d+) .*time=([\d.]+) ms/g)];
  const isCounted = (sequence: number) => sequence > omitted && sequence <= omitted + counted;
  const timesMs = answers
    .filter((match) => isCounted(Number(match[1])))
    .map((match) => Number(match[2]))
    .sort((a, b) => a - b);
  const sent = Number(/(\d+) packets transmitted/.exec(output)?.[1] ?? omitted + timesMs.length) - omitted;
  return {
    sent: Math.min(sent, counted),
    received: timesMs.length,
    p50Ms: quantile(timesMs, 0.5),
    p95Ms: quantile(timesMs, 0.95),
    maxMs: quantile(timesMs, 1),
  };
}

/** What is read of iperf3's JSON. */
interface IperfEnd {
  readonly sum: IperfSum;
  readonly sum_sent: IperfSum;
  readonly sum_received: IperfSum;
  readonly streams: readonly { readonly udp?: { readonly out_of_order?: number } }[];
}
interface IperfRate {
  readonly bits_per_second: number;
}
interface IperfSum extends IperfRate {
  readonly retransmits?: number;
  readonly packets: number;
  readonly lost_packets: number;
  readonly lost_percent: number;
}
interface IperfReport {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: IperfRate; readonly streams: readonly IperfRate[] }[];
  readonly end: IperfEnd;
  readonly server_output_json?: { readonly end: IperfEnd };
}

interface IperfRun {
  readonly report: IperfReport;
  readonly startedMs: number;
}

async function runIperf(options: IperfOptions, load: readonly string[]): Promise<IperfRun> {
  const { client, server, serverAddress, seconds, omitSeconds = 0, port = 5201, bindDevice } = options;
  const daemon = server.spawn(["iperf3", "-s", "-1", "-J", "-p", String(port)], { stdio: "ignore" });
  const ended = once(daemon, "exit");
  try {
    const listening = () => server.exec(["ss", "-Hltn", `sport = :${port}`]);
    await waitFor(listening, { what: "iperf3 server listens" });
    const timing = ["-t", String(seconds), "-O", String(omitSeconds), "--connect-timeout", "10000"];
    const way = options.direction === "up" ? ["--get-server-output"] : ["-R"];
    const device = bindDevice === undefined ? [] : ["--bind-dev", bindDevice];
    const command = ["iperf3", "-c", serverAddress, "-p", String(port), "-J", ...timing, ...way, ...device, ...load];
    const startedMs = monotonicMs();
    const output = await client.exec(command, { deadlineMs: (seconds + omitSeconds) * 1000 + 30_000, accept: [0, 1] });
    const report: IperfReport = JSON.parse(output);
    if (report.error !== undefined) throw new Error(`${command.join(" ")}: ${report.error}`);
    return { report, startedMs };
  } finally {
    daemon.kill("SIGKILL");
    await ended;
  }
}
