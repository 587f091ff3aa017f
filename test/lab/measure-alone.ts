import { ADDRESSES } from "../support/topology.ts";
import { measurePing, measureTcp } from "../support/traffic.ts";
import type { AloneResult, Load } from "./result.ts";
import { allLines, type Stage, throughputOf, userTraffic } from "./stage.ts";

const IDLE_SECONDS = 2;
const FIRST_PORT = 5201;

/** Every line without wanbond: the router's own connections, each bound to its uplink, all at the same time. */
export function measureAlone(stage: Stage, load: Load): Promise<AloneResult[]> {
  stage.progress(`lines alone, ${load.congestionControl} ${load.direction}: ping, one TCP connection each`);
  return Promise.all(allLines(stage).map((index) => measureLine(stage, load, index)));
}

async function measureLine(stage: Stage, load: Load, index: number): Promise<AloneResult> {
  const { topology, scenario } = stage;
  const { router } = topology;
  const name = topology.uplinks[index]?.name ?? "";
  const settings = scenario.lines[index];
  if (settings === undefined) throw new RangeError(`line ${index}`);
  const idle = await measurePing(router, ADDRESSES.server, { seconds: IDLE_SECONDS, bindDevice: name });
  const traffic = { ...userTraffic(stage, load), client: router, bindDevice: name, port: FIRST_PORT + index };
  const { seconds, warmUpSeconds: omitSeconds } = stage;
  const [tcp, loaded] = await Promise.all([
    measureTcp(traffic),
    measurePing(router, ADDRESSES.server, { seconds, omitSeconds, bindDevice: name }),
  ]);
  const { congestionControl, direction } = load;
  const { down, up } = settings;
  return {
    scenario: scenario.name,
    congestionControl,
    direction,
    name,
    downKbps: down.rateKbps,
    upKbps: up.rateKbps,
    delayMs: down.delayMs,
    tcp: throughputOf(stage, direction, [index], null, tcp),
    idle,
    loaded,
  };
}
