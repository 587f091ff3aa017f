import type { DirectionSettings, LineChanges, LineEmulation, LineSettings, LineState } from "./emulator-settings.ts";
import { applyChanges, initialState } from "./emulator-settings.ts";
import { connectVeth, type Namespace } from "./netns.ts";
import { configureLine, LINE_DEVICE, type Topology } from "./topology.ts";

/**
 * Lines by the kernel: netem (delay, PDV, loss) around tbf (rate, queue) at both ends of a veth pair.
 *
 * Differs from the emulator in one point: frames pass each other within the PDV, as netem has no way to keep their order.
 */
export async function startNetem(topology: Topology, lines: readonly LineSettings[]): Promise<LineEmulation> {
  const states = lines.map(initialState);
  for (const [index, state] of states.entries()) await plugLine(topology, index, state);
  return {
    kind: "netem",
    async set(index: number, changes: LineChanges) {
      const state = states[index];
      if (state === undefined) throw new RangeError(`line ${index} of ${states.length}`);
      states[index] = applyChanges(state, changes);
      await applyState(topology, index, states[index]);
    },
    async stop() {
      for (const isp of topology.isps) await isp.ip(`link del ${LINE_DEVICE}`);
    },
  };
}

async function plugLine(topology: Topology, index: number, state: LineState): Promise<void> {
  for (const { namespace, device } of ends(topology, index)) {
    if (device === LINE_DEVICE) await connectVeth(namespace, device, topology.core, `isp${index + 1}`);
    // A super-frame would count as one packet and need one enormous burst.
    const offloads = ["tso", "gso", "gro", "tx-udp-segmentation"].flatMap((offload) => [offload, "off"]);
    await namespace.exec(["ethtool", "-K", device, ...offloads]);
  }
  await configureLine(topology, index);
  await applyState(topology, index, state);
}

async function applyState(topology: Topology, index: number, state: LineState): Promise<void> {
  for (const { namespace, device, direction } of ends(topology, index)) {
    const commands = netemCommands(device, state[direction], state);
    await namespace.exec(["tc", "-batch", "-"], { input: `${commands.join("\n")}\n` });
    await namespace.nft(mtuRules(device, state.mtuBytes));
  }
}

/** The device at each end, and the direction that leaves through it. */
function ends(topology: Topology, index: number): { namespace: Namespace; device: string; direction: "up" | "down" }[] {
  const isp = topology.isps[index];
  if (isp === undefined) throw new RangeError(`line ${index} of ${topology.isps.length}`);
  return [
    { namespace: isp, device: LINE_DEVICE, direction: "up" },
    { namespace: topology.core, device: `isp${index + 1}`, direction: "down" },
  ];
}

/** tc commands, one per line of a batch, that bring a device to a state from whatever it was in. */
export function netemCommands(
  device: string,
  direction: DirectionSettings,
  line: Pick<LineState, "cut" | "extraDelayMs">,
): string[] {
  const { rateKbps, queueBytes, delayMs, pdvMs, lossRatio } = direction;
  const delay = [`delay ${delayMs + line.extraDelayMs}ms`, ...(pdvMs > 0 ? [`${pdvMs}ms`] : [])];
  const lossPercent = line.cut ? 100 : lossRatio * 100;
  const loss = lossPercent > 0 ? [`loss ${lossPercent}%`] : [];
  // Rates are of IP packets here and of Ethernet frames in tbf; 1514 bytes are a full one.
  const frameKbps = Math.round((rateKbps * 1514) / 1500);
  // Two full frames, or what the line carries in 1 ms: less would hold fast lines below their rate.
  const burstBytes = Math.max(3028, Math.ceil(rateKbps / 8));
  return [
    ["qdisc replace dev", device, "root handle 1: netem limit 100000", ...delay, ...loss].join(" "),
    `qdisc replace dev ${device} parent 1:1 handle 10: tbf rate ${frameKbps}kbit burst ${burstBytes} limit ${Math.round(queueBytes)}`,
  ];
}

/** Drops what is larger than the line's MTU as it comes off the line, silently. */
export function mtuRules(device: string, mtuBytes: number): string {
  const table = `table netdev mtu_${device}`;
  return `${table} {}
delete ${table}
${table} {
  chain arriving {
    type filter hook ingress device "${device}" priority 0;
    meta length > ${mtuBytes} drop;
  }
}
`;
}
