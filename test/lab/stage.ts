import type { LineEmulation } from "../support/emulator-settings.ts";
import type { BondPair, PairOptions } from "../support/programs.ts";
import { ADDRESSES, type Topology } from "../support/topology.ts";
import type { IperfOptions, TcpResult } from "../support/traffic.ts";
import type { CongestionControl, Direction, Load, Throughput } from "./result.ts";
import type { Scenario } from "./scenarios.ts";
import type { OfferedRates } from "./wander.ts";

/** What every measurement works on: the network of one scenario. */
export interface Stage {
  readonly scenario: Scenario;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly topology: Topology;
  readonly emulation: LineEmulation;
  readonly rates: OfferedRates;
  readonly progress: (text: string) => void;
}

/** A stage with both programs running on it. */
export interface BondStage extends Stage {
  readonly policy: string;
  readonly pair: BondPair;
}

/**
 * Of the hosts at both ends: they send as much ahead as a Linux of today receives by its defaults, so that it is the lines
 * and the tunnel that are measured. (By default a Linux keeps 4 MiB to send: some 3 MB under way.)
 */
export const HOST_BUFFERS = {
  "net.ipv4.tcp_rmem": "4096 131072 33554432",
  "net.ipv4.tcp_wmem": "4096 16384 33554432",
};

/** IPv4 and TCP header with timestamps. */
const TCP_HEADERS_BYTES = 52;
/** Outer IPv4 and UDP headers, wanbond's two headers and its tag. */
const TUNNEL_BYTES = 28 + 16 + 8 + 16;

/** Which part of a line's rate is TCP payload, in full-size packets. @param innerMtu null: routed, without a tunnel. */
export function payloadRatio(innerMtu: number | null): number {
  const outerBytes = innerMtu === null ? 1500 : innerMtu + TUNNEL_BYTES;
  return ((innerMtu ?? 1500) - TCP_HEADERS_BYTES) / outerBytes;
}

/** What these lines could carry as goodput over a span of time. */
export function goodputLimit(
  stage: Stage,
  direction: Direction,
  lines: readonly number[],
  innerMtu: number | null,
  span: { fromMs: number; toMs: number },
): number {
  const rates = lines.map((line) => stage.rates.meanKbps(line, direction, span));
  return rates.reduce((sum, rate) => sum + rate, 0) * payloadRatio(innerMtu);
}

/** A goodput of a connection with warm-up, beside the limit at that time. */
export function throughputOf(
  stage: Stage,
  direction: Direction,
  lines: readonly number[],
  innerMtu: number | null,
  { goodputKbps, startedMs }: Pick<TcpResult, "goodputKbps" | "startedMs">,
): Throughput {
  const fromMs = startedMs + stage.warmUpSeconds * 1000;
  const span = { fromMs, toMs: fromMs + stage.seconds * 1000 };
  return { goodputKbps, limitKbps: goodputLimit(stage, direction, lines, innerMtu, span) };
}

/** Between the LAN host and the server, as a user's traffic goes. */
export function userTraffic(
  stage: Stage,
  { direction, congestionControl }: Load,
): IperfOptions & { congestionControl: CongestionControl } {
  const { lan, server } = stage.topology;
  const ends = { client: lan, server, serverAddress: ADDRESSES.server };
  return { ...ends, direction, congestionControl, seconds: stage.seconds, omitSeconds: stage.warmUpSeconds };
}

/** What the bond could carry as goodput over a span of time. @param without a line that is out. */
export async function limitOf(
  stage: BondStage,
  direction: Direction,
  span: { fromMs: number; toMs: number },
  without = -1,
): Promise<number> {
  const lines = allLines(stage).filter((index) => index !== without);
  return goodputLimit(stage, direction, lines, await innerMtu(stage), span);
}

export function allLines(stage: Stage): number[] {
  return stage.topology.uplinks.map((_, index) => index);
}

/** MTU of the bond's TAP, which path MTU discovery finds some time after the start. */
export async function innerMtu({ pair }: BondStage): Promise<number | null> {
  return (await pair.client.status()).bonds[0]?.mtu ?? null;
}

/** [bonding] of a policy as the lab measures it: nothing but its name. */
export function pairOptions(policy: string): PairOptions {
  return { bonding: { defaultBondingPolicy: policy } };
}
