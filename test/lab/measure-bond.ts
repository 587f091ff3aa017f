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
    return { ...NOTHING, policy, error: messageOf(error) };
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
  const errors: string[] = [];
  /** An overloaded bond may starve iperf3's own control connection: that figure is missing then, the others are not. */
  const attempt = async <T>(what: string, measure: () => Promise<T>): Promise<T | null> => {
    progress(`${policy}: ${what}`);
    try {
      return await measure();
    } catch (error) {
      errors.push(`${what}: ${messageOf(error)}`);
      return null;
    }
  };

  const idle = await attempt("ping", () => measurePing(lan, ADDRESSES.server, { seconds: 2 }));
  const [oneTcp, loaded] = await Promise.all([
    attempt("one TCP connection", () => throughputOf(stage, lines, innerMtu, () => measureTcp(traffic))),
    attempt("ping beside it", () => measurePing(lan, ADDRESSES.server, { seconds: pingSeconds })),
  ]);
  const eightTcp = await attempt("eight TCP connections", () =>
    throughputOf(stage, lines, innerMtu, () => measureTcp({ ...traffic, flows: 8 })),
  );
  const mtu = await innerMtu();
  const udp = await attempt("UDP at 90 % of the limit", () =>
    measureUdp({ ...traffic, ...udpLoad(stage, lines, mtu) }),
  );
  const cut = await attempt("cutting a line under load", () => measureCut(stage, pair));
  return {
    policy,
    error: errors.length === 0 ? null : errors.join("\n"),
    mtu,
    oneTcp,
    eightTcp,
    udp,
    idle,
    loaded,
    cut,
  };
}

/** Full packets at 90 % of what the lines offer now. */
function udpLoad(stage: Stage, lines: readonly number[], mtu: number | null) {
  const nowMs = monotonicMs();
  const limitKbps = goodputLimit(stage, lines, mtu, { fromMs: nowMs - 1000, toMs: nowMs });
  return { rateKbps: limitKbps * UDP_LOAD_RATIO, payloadBytes: (mtu ?? 1500) - UDP_HEADERS_BYTES };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
