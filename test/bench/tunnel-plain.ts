import type { Namespace } from "../support/netns.ts";
import { scriptCommand } from "../support/script.ts";
import { Daemon } from "./daemon.ts";
import { FAR_INNER, FAR_LINK, NEAR_INNER, NEAR_LINK, type Stage } from "./stage.ts";
import type { Tunnel } from "./tunnel.ts";

/** The link itself: what everything else is compared with. */
export const VETH: Tunnel = {
  name: "veth",
  description: "the link itself, no tunnel",
  programs: [],
  start: async () => ({ address: FAR_LINK, processes: {}, stop: async () => undefined }),
};

const PORT = 5600;
const DEVICE = "plain0";
/** IPv4, UDP and Ethernet header off 1500. */
const MTU = 1500 - 28 - 14;

/** Node has no call that attaches a TAP, so its descriptor 3 is opened for it. */
const WITH_TAP = `
import fcntl, os, struct, sys
tap = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH", sys.argv[1].encode(), 0x1002))  # TUNSETIFF, IFF_TAP | IFF_NO_PI
os.dup2(tap, 3)
os.set_inheritable(3, True)
os.execvp(sys.argv[2], sys.argv[2:])
`;

/** Datagrams and a TAP with what Node itself has, frame by frame, without a cipher: what the addon is for. */
export const PLAIN_NODE: Tunnel = {
  name: "plain-node",
  description: "node:dgram and node:fs alone, no cipher",
  programs: ["python3"],
  async start(stage: Stage) {
    const near = await end(stage.near, NEAR_INNER, NEAR_LINK, FAR_LINK);
    const far = await end(stage.far, FAR_INNER, FAR_LINK, NEAR_LINK);
    await near.reaches(stage.near, FAR_INNER);
    const stop = async () => {
      await Promise.all([near.stop(), far.stop()]);
    };
    return { address: FAR_INNER, processes: { near: near.pid, far: far.pid }, stop };
  },
};

async function end(namespace: Namespace, inner: string, from: string, to: string): Promise<Daemon> {
  const node = scriptCommand("../bench/plain-node-main.ts", from, to, String(PORT));
  const daemon = new Daemon(namespace, ["python3", "-c", WITH_TAP, DEVICE, ...node]);
  await daemon.makes(namespace, DEVICE);
  await namespace.ip(`addr add ${inner}/24 dev ${DEVICE}`, `link set ${DEVICE} mtu ${MTU} up`);
  return daemon;
}
