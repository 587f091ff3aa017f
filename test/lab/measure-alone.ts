import { ADDRESSES } from "../support/topology.ts";
import { measurePing, measureTcp } from "../support/traffic.ts";
import type { AloneResult } from "./result.ts";
import { type Stage, throughputOf, userTraffic, WARM_UP_SECONDS } from "./stage.ts";

/** One line without wanbond: the router's own connection, bound to the uplink. */
export async function measureAlone(stage: Stage, index: number): Promise<AloneResult> {
  const { topology, options, progress } = stage;
  const { router } = topology;
  const name = topology.uplinks[index]?.name ?? "";
  const settings = options.scenario.lines[index];
  if (settings === undefined) throw new RangeError(`line ${index}`);
  progress(`${name} alone: ping, one TCP connection`);
  const idle = await measurePing(router, ADDRESSES.server, { seconds: 2, bindDevice: name });
  const traffic = { ...userTraffic(stage), client: router, bindDevice: name };
  const pingSeconds = WARM_UP_SECONDS + options.seconds;
  const [tcp, loaded] = await Promise.all([
    throughputOf(
      stage,
      [index],
      async () => null,
      () => measureTcp(traffic),
    ),
    measurePing(router, ADDRESSES.server, { seconds: pingSeconds, bindDevice: name }),
  ]);
  const { down, up } = settings;
  return { name, downKbps: down.rateKbps, upKbps: up.rateKbps, delayMs: down.delayMs, tcp, idle, loaded };
}
