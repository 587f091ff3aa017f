import { type BondPair, preparePair } from "../support/programs.ts";
import { monotonicMs } from "../support/script.ts";
import { ADDRESSES } from "../support/topology.ts";
import { measurePing, measureTcp, measureUdp } from "../support/traffic.ts";
import { measureCut } from "./measure-cut.ts";
import type { BondResult } from "./result.ts";
import { goodputLimit, pairOptions, type Stage, throughputOf, userTraffic, WARM_UP_SECONDS } from "./stage.ts";

/** Headers of IPv4 and UDP inside the tunnel. */
const UDP_HEADERS_BYTES = 28;
const UDP_LOAD_RATIO = 0.9;

const NOTHING: Omit<BondResult, "policy"> = {
  error: null,
  mtu: null,
  oneTcp: null,
  eightTcp: null,
  udp: null,
  idle: null,
  loaded: null,
  cut: null,
};

/** Runs both programs with one policy and measures; a failure is part of the result, so that other policies go on. */
export async function measureBond(stage: Stage, policy: string): Promise<BondResult> {
  stage.progress(`${policy}: starting both programs`);
  let pair: BondPair | undefined;
  try {
    pair = await preparePair(stage.topology, pairOptions(policy));
    await pair.start();
    return await measureRunning(stage, policy, pair);
  } catch (error) {
    return { ...NOTHING, policy, error: error instanceof Error ? error.message : String(error) };
  } finally {
    await pair?.stop();
  }
}

async function measureRunning(stage: Stage, policy: string, pair: BondPair): Promise<BondResult> {
  const { topology, options, progress } = stage;
  const { lan } = topology;
  const lines = topology.uplinks.map((_, index) => index);
  const innerMtu = async () => (await pair.client.status()).bonds[0]?.mtu ?? null;
  const traffic = userTraffic(stage);
  const pingSeconds = WARM_UP_SECONDS + options.seconds;

  progress(`${policy}: ping`);
  const idle = await measurePing(lan, ADDRESSES.server, { seconds: 2 });
  progress(`${policy}: one TCP connection beside a ping`);
  const [oneTcp, loaded] = await Promise.all([
    throughputOf(stage, lines, innerMtu, () => measureTcp(traffic)),
    measurePing(lan, ADDRESSES.server, { seconds: pingSeconds }),
  ]);
  progress(`${policy}: eight TCP connections`);
  const eightTcp = await throughputOf(stage, lines, innerMtu, () => measureTcp({ ...traffic, flows: 8 }));
  progress(`${policy}: UDP at 90 % of the limit`);
  const mtu = await innerMtu();
  const nowMs = monotonicMs();
  const limitKbps = goodputLimit(stage, lines, mtu, { fromMs: nowMs - 1000, toMs: nowMs });
  const payloadBytes = (mtu ?? 1500) - UDP_HEADERS_BYTES;
  const udp = await measureUdp({ ...traffic, rateKbps: limitKbps * UDP_LOAD_RATIO, payloadBytes });
  progress(`${policy}: cutting a line under load`);
  const cut = await measureCut(stage, pair);
  return { policy, error: null, mtu, oneTcp, eightTcp, udp, idle, loaded, cut };
}
