/** Headers of frames for the figures that need no network. */
const OWN_MAC = [0x02, 0, 0, 0, 0, 0x10];
const FAR_MAC = [0x02, 0, 0, 0, 0, 0x20];
const SOURCE = [10, 200, 0, 2];
const DESTINATION = [10, 200, 0, 1];

/** Ethernet, IPv4 and TCP header with timestamps of a full segment; all checksums 0. @param flow any number. */
export function tcpFrameHeaders(flow: number, packetBytes: number): Uint8Array {
  const ip = [0x45, 0, ...u16(packetBytes), 0, 1, 0x40, 0, 64, 6, 0, 0, ...SOURCE, ...DESTINATION];
  const tcp = [...u16(40_000 + flow), ...u16(443), 0, 0, 0, 7, 0, 0, 0, 9, 8 << 4, 0x10, 0x10, 0, 0, 0, 0, 0];
  const timestamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
  return Uint8Array.of(...OWN_MAC, ...FAR_MAC, 0x08, 0x00, ...ip, ...tcp, ...timestamps);
}

function u16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}
