import type { Namespace } from "./netns.ts";

/** What a device has received and sent since it was made. */
export interface DeviceCounters {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly bytes: number;
}

export async function deviceCounters(namespace: Namespace, device: string): Promise<DeviceCounters> {
  const names = ["rx_packets", "tx_packets", "rx_bytes", "tx_bytes"];
  const files = names.map((name) => `/sys/class/net/${device}/statistics/${name}`);
  const [rxPackets = 0, txPackets = 0, rxBytes = 0, txBytes = 0] = (await namespace.exec(["cat", ...files]))
    .split("\n")
    .map(Number);
  return { rxPackets, txPackets, bytes: rxBytes + txBytes };
}
