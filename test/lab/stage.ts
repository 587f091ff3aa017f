import type { LineEmulation } from "../support/emulator-settings.ts";
import type { PairOptions } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import { ADDRESSES, type Topology } from "../support/topology.ts";
import type { IperfOptions } from "../support/traffic.ts";
import type { LabOptions } from "./options.ts";
import type { Throughput } from "./result.ts";
import type { OfferedRates } from "./wander.ts";

/** What every measurement works on. */
export interface Stage {
  readonly options: LabOptions;
  readonly topology: Topology;
  readonly emulation: LineEmulation;
  readonly rates: OfferedRates;
  readonly progress: (text: string) => void;
}

/** Slow start does not count. */
export const WARM_UP_SECONDS = 2;

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
  lines: readonly number[],
  innerMtu: number | null,
  span: { fromMs: number; toMs: number },
): number {
  const rates = lines.map((line) => stage.rates.meanKbps(line, stage.options.direction, span));
  return rates.reduce((sum, rate) => sum + rate, 0) * payloadRatio(innerMtu);
}

/**
 * Runs a measurement that starts with a warm-up and puts its goodput in relation to the limit.
 *
 * @param innerMtu asked afterwards: path MTU discovery takes its time after the start.
 */
export async function throughputOf(
  stage: Stage,
  lines: readonly number[],
  innerMtu: () => Promise<number | null>,
  measure: () => Promise<{ goodputKbps: number }>,
): Promise<Throughput> {
  const fromMs = monotonicMs() + WARM_UP_SECONDS * 1000;
  const { goodputKbps } = await measure();
  const span = { fromMs, toMs: fromMs + stage.options.seconds * 1000 };
  const limitKbps = goodputLimit(stage, lines, await innerMtu(), span);
  return { goodputKbps, shareRatio: goodputKbps / limitKbps };
}

/** Between the LAN host and the server, as a user's traffic goes. */
export function userTraffic(stage: Stage): IperfOptions & { congestionControl: "cubic" | "bbr" } {
  const { direction, congestionControl, seconds } = stage.options;
  const { lan, server } = stage.topology;
  const ends = { client: lan, server, serverAddress: ADDRESSES.server };
  return { ...ends, direction, congestionControl, seconds, omitSeconds: WARM_UP_SECONDS };
}

/** [bonding] of a policy as the lab measures it: nothing but its name. */
export function pairOptions(policy: string): PairOptions {
  return { bonding: { defaultBondingPolicy: policy } };
}
