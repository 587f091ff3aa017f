import { measureTcp, measureUdp } from "../support/traffic.ts";
import type { Part } from "./options.ts";
import { processorSeconds, residentBytes } from "./process-figures.ts";
import type { TcpSample, TunnelSample, UdpSample } from "./result.ts";
import type { Stage } from "./stage.ts";
import type { RunningTunnel } from "./tunnel.ts";

/** IPv4 and UDP header make 64 bytes of it. */
const SMALL_PAYLOAD_BYTES = 36;
export const PACED_PACKETS_PER_SECOND = 100_000;
const PING_INTERVAL_SECONDS = 0.005;
const MIN_PINGS = 200;

export interface Measurement {
  readonly stage: Stage;
  readonly tunnel: RunningTunnel;
  readonly parts: ReadonlySet<Part>;
  readonly seconds: number;
  /** Told what could not be measured; the rest goes on. */
  readonly failed: (what: string, error: unknown) => void;
}

/** All figures of one tunnel that runs, one after another. */
export async function measureTunnel(measurement: Measurement): Promise<TunnelSample> {
  const { parts, failed, tunnel } = measurement;
  const attempt = async <T>(what: string, measure: () => Promise<T>): Promise<T | null> => {
    try {
      return await measure();
    } catch (error) {
      failed(what, error);
      return null;
    }
  };
  const of = async <T>(part: Part, what: string, measure: () => Promise<T>): Promise<T | null> =>
    parts.has(part) ? attempt(what, measure) : null;
  await attempt("warming up", () => warmUp(measurement));
  const pingMs = await of("ping", "ping", () => ping(measurement));
  const oneTcp = await of("tcp", "one TCP connection", () => tcp(measurement, 1));
  const eightTcp = await of("tcp", "eight TCP connections", () => tcp(measurement, 8));
  const pacedUdp = await of("udp", "paced UDP", () => udp(measurement, PACED_PACKETS_PER_SECOND));
  const floodUdp = await of("udp", "UDP without pause", () => udp(measurement, 0));
  const resident = Object.entries(tunnel.processes).map(([name, pid]) => [name, residentBytes(pid)]);
  return { oneTcp, eightTcp, pacedUdp, floodUdp, pingMs, residentBytes: Object.fromEntries(resident) };
}

/** A second of load each way: an engine has compiled by then what it has seen often, a path has found its MTU. */
async function warmUp(measurement: Measurement): Promise<void> {
  for (const direction of ["up", "down"] as const) await measureTcp({ ...ends(measurement), direction, seconds: 1 });
}

function ends({ stage, tunnel, seconds }: Measurement) {
  return { client: stage.near, server: stage.far, serverAddress: tunnel.address, seconds, direction: "up" } as const;
}

async function tcp(measurement: Measurement, flows: number): Promise<TcpSample> {
  const pids = Object.values(measurement.tunnel.processes);
  const before = processorSeconds(pids);
  const { goodputKbps, secondsKbps } = await measureTcp({ ...ends(measurement), flows, omitSeconds: 1 });
  const spent = processorSeconds(pids) - before;
  const gigabytes = secondsKbps.reduce((sum, kbps) => sum + kbps, 0) / 8e6;
  return {
    goodputGbps: goodputKbps / 1e6,
    processorSecondsPerGb: pids.length === 0 ? null : spent / gigabytes,
  };
}

/** @param packetsPerSecond 0: as many as the sender can. */
async function udp(measurement: Measurement, packetsPerSecond: number): Promise<UdpSample> {
  const rateKbps = (packetsPerSecond * SMALL_PAYLOAD_BYTES * 8) / 1000;
  const options = { ...ends(measurement), rateKbps, payloadBytes: SMALL_PAYLOAD_BYTES };
  const { sent, lost, lostRatio } = await measureUdp(options);
  return { receivedPerSecond: (sent - lost) / measurement.seconds, lostRatio };
}

async function ping({ stage, tunnel, seconds }: Measurement): Promise<number[]> {
  const count = Math.max(MIN_PINGS, Math.round(seconds / PING_INTERVAL_SECONDS));
  const command = ["ping", "-n", "-i", String(PING_INTERVAL_SECONDS), "-c", String(count), tunnel.address];
  const output = await stage.near.exec(command, { deadlineMs: seconds * 1000 + 30_000 });
  return [...output.matchAll(/ time=([\d.]+) ms/g)].map((match) => Number(match[1]));
}
