import { connectVeth, type Namespace } from "./netns.ts";
import { configureLine, LINE_DEVICE, type Topology } from "./topology.ts";

/** Lines that take no time: for tests of what passes and of what is changed in the system, not of how fast. */
export interface PlainLines {
  /** Larger IP packets vanish without an ICMP message, in both directions; 0 is a black hole, 1500 carries everything. */
  setMtu(line: number, mtuBytes: number): Promise<void>;
}

/** Plugs a veth pair between every ISP and the core. */
export async function startPlainLines(topology: Topology): Promise<PlainLines> {
  for (const index of topology.isps.keys()) {
    for (const [namespace, device] of ends(topology, index)) {
      if (device === LINE_DEVICE) await connectVeth(namespace, device, topology.core, `isp${index + 1}`);
      // A super-frame would count as one packet.
      const offloads = ["tso", "gso", "gro", "tx-udp-segmentation"].flatMap((offload) => [offload, "off"]);
      await namespace.exec(["ethtool", "-K", device, ...offloads]);
    }
    await configureLine(topology, index);
  }
  return {
    async setMtu(line, mtuBytes) {
      for (const [namespace, device] of ends(topology, line)) await namespace.nft(mtuRules(device, mtuBytes));
    },
  };
}

function ends(topology: Topology, index: number): [Namespace, string][] {
  const isp = topology.isps[index];
  if (isp === undefined) throw new RangeError(`line ${index} of ${topology.isps.length}`);
  return [
    [isp, LINE_DEVICE],
    [topology.core, `isp${index + 1}`],
  ];
}

/** Drops what is larger than the line's MTU as it comes off the line, silently. */
function mtuRules(device: string, mtuBytes: number): string {
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
