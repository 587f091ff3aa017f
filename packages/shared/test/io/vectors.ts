import {
  DESCRIPTOR_WORDS,
  LENGTH,
  OFFSET,
  type PacketPorts,
  SLOT_BYTES,
  SLOT_HEADROOM,
} from "../../src/pipeline/ports.ts";
import { ENDPOINT_FAMILY, ENDPOINT_LOCAL, ENDPOINT_REMOTE, ENDPOINT_WORDS } from "../../src/wire/index.ts";

/** Descriptors of the frames in `count` slots from slot `first` on. */
export function slots(first: number, count: number): Int32Array {
  const descriptors = new Int32Array(count * DESCRIPTOR_WORDS);
  for (let i = 0; i < count; i++) descriptors[i * DESCRIPTOR_WORDS + OFFSET] = (first + i) * SLOT_BYTES + SLOT_HEADROOM;
  return descriptors;
}

/** Puts packets into the slots of descriptors. @returns the selection of all of them. */
export function fill(ports: PacketPorts, descriptors: Int32Array, packets: readonly Uint8Array[]): Int32Array {
  packets.forEach((packet, i) => {
    ports.pool.set(packet, descriptors[i * DESCRIPTOR_WORDS + OFFSET]);
    descriptors[i * DESCRIPTOR_WORDS + LENGTH] = packet.byteLength;
  });
  return Int32Array.from(packets.keys());
}

/** A copy of the packet that descriptor i stands for. */
export function packetAt(ports: PacketPorts, descriptors: Int32Array, i: number): Buffer {
  const offset = descriptors[i * DESCRIPTOR_WORDS + OFFSET] ?? 0;
  return Buffer.from(ports.pool.subarray(offset, offset + (descriptors[i * DESCRIPTOR_WORDS + LENGTH] ?? 0)));
}

export function packetsAt(ports: PacketPorts, descriptors: Int32Array, count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => packetAt(ports, descriptors, i));
}

/** Address bytes of an endpoint of a table. */
export function addressBytes(endpoints: Int32Array, index: number, which: "remote" | "local"): number[] {
  const word = index * ENDPOINT_WORDS + (which === "remote" ? ENDPOINT_REMOTE : ENDPOINT_LOCAL);
  const bytes = endpoints[index * ENDPOINT_WORDS + ENDPOINT_FAMILY] === 4 ? 4 : 16;
  return [...new Uint8Array(endpoints.buffer, endpoints.byteOffset + word * 4, bytes)];
}
