import { ENDPOINT_FAMILY, ENDPOINT_PORT, ENDPOINT_REMOTE } from "../wire/index.ts";

/** Where a handshake datagram came from and its answer goes. The caller's; read during the call only. */
export interface HandshakeSource {
  /** The owner's number of the socket; not looked at here. */
  readonly socket: number;
  /** A record of ENDPOINT_WORDS words. */
  readonly endpoint: Int32Array;
}

/** Address and port, for cookies. */
export function sourceBytes(source: HandshakeSource): Uint8Array {
  const { endpoint } = source;
  const words = Int32Array.of(endpoint[ENDPOINT_PORT] ?? 0, ...endpoint.subarray(ENDPOINT_REMOTE, ENDPOINT_REMOTE + 4));
  return new Uint8Array(words.buffer);
}

/** Who is to share a bucket: an IPv4 address, an IPv6 network of 64 bits (the smallest that is given to anybody). */
export function limiterKey(source: HandshakeSource): string {
  const { endpoint } = source;
  return endpoint.subarray(ENDPOINT_REMOTE, ENDPOINT_REMOTE + (endpoint[ENDPOINT_FAMILY] === 6 ? 2 : 1)).join();
}
