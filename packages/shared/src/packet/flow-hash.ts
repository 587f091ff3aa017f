import { i32 } from "./bytes.ts";
import { decapsulate } from "./decapsulate.ts";
import { FrameView } from "./frame-view.ts";
import { macHi, macLo } from "./mac-address.ts";

/** The kernel's names. */
export const TRANSMIT_HASH_POLICIES = ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"] as const;
export type TransmitHashPolicy = (typeof TRANSMIT_HASH_POLICIES)[number];

const MIKROTIK_NAMES = ["layer-2", "layer-2-and-3", "layer-3-and-4", "encap-2-and-3", "encap-3-and-4"];
/** Tunnels within tunnels that the encap policies look into. */
const MAX_TUNNELS = 4;

/** Takes the kernel's names and MikroTik's. @returns null for any other text. */
export function parseTransmitHashPolicy(text: string): TransmitHashPolicy | null {
  const index = MIKROTIK_NAMES.indexOf(text);
  return TRANSMIT_HASH_POLICIES.find((name, number) => name === text || number === index) ?? null;
}

/**
 * Hashes the fields that a transmit hash policy names.
 *
 * Source: xmit_hash_policy in the kernel's Documentation/networking/bonding.rst, MikroTik's transmit-hash-policy.
 * layer2: MAC addresses, ethertype, VLAN tags. layer2+3: these and the IP addresses. layer3+4: IP addresses, protocol,
 * ports; fragments and protocols other than TCP and UDP have no ports. Non-IP frames always hash as layer2.
 * encap2+3 and encap3+4 take the IP header (and ports) of the innermost packet they can read.
 *
 * Differs from them in two points: the result is well mixed, so that any bits of it may be used (the kernel folds by
 * XOR), and layer3+4 has the protocol in it, as ZeroTier's `src_port ^ dst_port ^ proto` has. Unlike ZeroTier, ICMP and
 * other portless traffic is hashed by its addresses and not sprayed at random.
 */
export class FlowHasher {
  readonly #withMac: boolean;
  readonly #withAddresses: boolean;
  readonly #intoTunnels: boolean;
  readonly #innerA = new FrameView();
  readonly #innerB = new FrameView();

  constructor(policy: TransmitHashPolicy) {
    this.#withMac = policy.includes("2");
    this.#withAddresses = policy.includes("3");
    this.#intoTunnels = policy.startsWith("encap");
  }

  /** @returns a signed 32-bit integer: an unsigned one would cost the engine an allocation. */
  hash(view: FrameView): number {
    const seen = this.#intoTunnels ? this.#innermost(view) : view;
    if (!this.#withAddresses || seen.ipOffset < 0) return finish(macHash(view));
    if (this.#withMac) return finish(addressHash(seen, macHash(view)));
    return finish(flowHash(seen));
  }

  #innermost(view: FrameView): FrameView {
    let seen = view;
    let spare = this.#innerA;
    for (let tunnels = 0; tunnels < MAX_TUNNELS && decapsulate(seen, spare); tunnels++) {
      seen = spare;
      spare = seen === this.#innerA ? this.#innerB : this.#innerA;
    }
    return seen;
  }
}

/** The default of RFC 8290: so many flows at once, and a hundred of them hardly ever share a number. */
export const FLOW_NUMBERS = 1024;

/**
 * Number of a flow, 0..1023, by which a queue tells flows apart: layer3+4 of the outer headers. Fragments have no ports, so
 * those of one datagram are a flow by addresses and protocol. Frames that are not IP are one by layer2.
 */
export function flowNumber(view: FrameView): number {
  return finish(view.ipOffset < 0 ? macHash(view) : flowHash(view)) >>> 22;
}

/** The slot, 0..255, within which the order of a flow's frames is kept. */
export function flowSlot(view: FrameView): number {
  return slotOfFlow(flowNumber(view));
}

/** @param flow its number: four of them share a slot. */
export function slotOfFlow(flow: number): number {
  return flow >>> 2;
}

/** A signed 32-bit integer that stands for the host that an IP packet comes from. */
export function sourceHash({ pool, ipVersion, sourceAddressOffset: source }: FrameView): number {
  let hash = mix(0, i32(pool, source));
  if (ipVersion === 6) for (let word = 4; word < 16; word += 4) hash = mix(hash, i32(pool, source + word));
  return hash;
}

function flowHash(view: FrameView): number {
  const ports = view.sourcePort < 0 ? 0 : (view.sourcePort << 16) | view.destinationPort;
  return mix(mix(addressHash(view, 0), view.protocol), ports);
}

function macHash(view: FrameView): number {
  const type = mix(view.ethertype, ((view.vlanId + 1) << 13) | (view.innerVlanId + 1));
  const at = view.macOffset;
  if (at < 0) return type;
  const pool = view.pool;
  const hi = macHi(pool, at) ^ macHi(pool, at + 6);
  return mix(mix(type, hi), macLo(pool, at) ^ macLo(pool, at + 6));
}

/** The addresses are combined by XOR, so that both directions of a flow have one hash as far as this goes. */
function addressHash(view: FrameView, seed: number): number {
  const { pool, sourceAddressOffset: source, destinationAddressOffset: destination } = view;
  let hash = mix(seed, i32(pool, source) ^ i32(pool, destination));
  if (view.ipVersion === 4) return hash;
  for (let word = 4; word < 16; word += 4) hash = mix(hash, i32(pool, source + word) ^ i32(pool, destination + word));
  return hash;
}

/** One round and the finalizer of MurmurHash3 (public domain, A. Appleby). */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
