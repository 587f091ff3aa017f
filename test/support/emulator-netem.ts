import type { DirectionSettings, LineChanges, LineEmulation, LineSettings, LineState } from "./emulator-settings.ts";
import { applyChanges, initialState } from "./emulator-settings.ts";
import { connectVeth, type Namespace } from "./netns.ts";
import { configureLine, LINE_DEVICE, type Topology } from "./topology.ts";

const IPV6_HEADER_BYTES = 40;

/**
 * Lines by the kernel: netem at both ends of a veth pair, with the meaning that VirtualLine gives the settings.
 *
 * Differs from it in the queue, which counts packets instead of bytes: small ones fill it early.
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
      if (changes.mtuBytes !== undefined) await applyMtu(topology, index, changes.mtuBytes);
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
    await runTc(namespace, netemCommand(device, state[direction], state));
  }
}

async function applyMtu(topology: Topology, index: number, mtuBytes: number): Promise<void> {
  for (const { namespace, device } of ends(topology, index)) await runTc(namespace, ...mtuCommands(device, mtuBytes));
}

async function runTc(namespace: Namespace, ...commands: readonly string[]): Promise<void> {
  await namespace.exec(["tc", "-batch", "-"], { input: `${commands.join("\n")}\n` });
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

/** The tc command that brings a device to a state from whatever it was in: one netem does it all, and keeps the order. */
export function netemCommand(
  device: string,
  direction: DirectionSettings,
  line: Pick<LineState, "cut" | "extraDelayMs">,
): string {
  const { rateKbps, queueBytes, delayMs, pdvMs, lossRatio, reorders } = direction;
  if (reorders) throw new RangeError("a line by netem keeps the order; one that reorders needs our own emulator");
  const totalDelayMs = delayMs + line.extraDelayMs;
  const pdv = pdvMs > 0 ? [`${pdvMs}ms distribution normal`] : [];
  const lossPercent = line.cut ? 100 : lossRatio * 100;
  const loss = lossPercent > 0 ? [`loss ${lossPercent}%`] : [];
  // netem counts packets, those under way included; full-size ones are meant here.
  const limit = Math.ceil((queueBytes + (rateKbps / 8) * totalDelayMs) / 1500);
  // The packet overhead takes the Ethernet header off: rates are of IP packets.
  const rate = `rate ${rateKbps}kbit -14`;
  return [`qdisc replace dev ${device} root netem limit ${limit} delay ${totalDelayMs}ms`, ...pdv, ...loss, rate].join(
    " ",
  );
}

/** The tc commands that drop what is larger than the line's MTU as it comes off the line, silently. */
function mtuCommands(device: string, mtuBytes: number): string[] {
  const drop = (protocol: string, preference: number, offset: number, mostBytes: number) =>
    `filter replace dev ${device} ingress protocol ${protocol} pref ${preference} handle 1 ` +
    `basic match "cmp(u16 at ${offset} layer network gt ${mostBytes})" action drop`;
  // The length that an IPv4 header tells includes the header, that of an IPv6 header does not.
  return [
    `qdisc replace dev ${device} ingress`,
    drop("ip", 1, 2, mtuBytes),
    drop("ipv6", 2, 4, mtuBytes - IPV6_HEADER_BYTES),
  ];
}
