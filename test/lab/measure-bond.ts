import { monotonicMs } from "../support/script.ts";
import { ADDRESSES } from "../support/topology.ts";
import { measurePing, measureTcp, measureUdp, type PingStatistics, type UdpResult } from "../support/traffic.ts";
import { sleep } from "../support/wait.ts";
import { redundancyMeter } from "./redundancy.ts";
import type { Load, OneTcpResult, Throughput } from "./result.ts";
import { allLines, type BondStage, goodputLimit, innerMtu, throughputOf, userTraffic } from "./stage.ts";

/** Headers of IPv4 and UDP inside the tunnel. */
const UDP_HEADERS_BYTES = 28;
const UDP_LOAD_RATIO = 0.9;
const IDLE_SECONDS = 2;
/** After its start a bond tries how much the lines take. */
export const SETTLE_MS = 1500;

/** Round trips over the idle bond, when it has got to know its lines. */
export async function measureIdle({ topology }: BondStage): Promise<PingStatistics> {
  await sleep(SETTLE_MS);
  return measurePing(topology.lan, ADDRESSES.server, { seconds: IDLE_SECONDS });
}

/** One TCP connection with a ping beside it. */
export async function measureOneTcp(stage: BondStage, load: Load): Promise<OneTcpResult> {
  const { seconds, warmUpSeconds: omitSeconds } = stage;
  const redundancy = await redundancyMeter(stage.pair, load.direction);
  const [tcp, loaded] = await Promise.all([
    measureTcp(userTraffic(stage, load)),
    measurePing(stage.topology.lan, ADDRESSES.server, { seconds, omitSeconds }),
  ]);
  const throughput = throughputOf(stage, load.direction, allLines(stage), await innerMtu(stage), tcp);
  return {
    ...throughput,
    startKbps: mean(tcp.secondsKbps.slice(0, omitSeconds)),
    loaded,
    retransmissions: tcp.retransmissions,
    redundancy: await redundancy(),
  };
}

export async function measureEightTcp(stage: BondStage, load: Load): Promise<Throughput> {
  const tcp = await measureTcp({ ...userTraffic(stage, load), flows: 8 });
  return throughputOf(stage, load.direction, allLines(stage), await innerMtu(stage), tcp);
}

/** Full packets at 90 % of what the lines offer now. */
export async function measureFullUdp(stage: BondStage, load: Load): Promise<UdpResult> {
  const nowMs = monotonicMs();
  const mtu = await innerMtu(stage);
  const limitKbps = goodputLimit(stage, load.direction, allLines(stage), mtu, { fromMs: nowMs - 1000, toMs: nowMs });
  const payloadBytes = (mtu ?? 1500) - UDP_HEADERS_BYTES;
  return measureUdp({ ...userTraffic(stage, load), rateKbps: limitKbps * UDP_LOAD_RATIO, payloadBytes });
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
