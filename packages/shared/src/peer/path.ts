import type { LinkSettings } from "../bond/index.ts";
import type { LinkMonitor, PathMtuSearch } from "../link/index.ts";
import { LossWatch, type ParityMaker, type ParityStore } from "../parity/index.ts";
import { ENDPOINT_FAMILY, ENDPOINT_WORDS, INNER_HEADER_BYTES, OUTER_HEADER_BYTES, TAG_BYTES } from "../wire/index.ts";

/** Datagrams one path may have waiting in a batch. */
export const PATH_BATCH = 512;

const UDP_HEADER_BYTES = 8;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const ATTACH_FIRST_GAP_MS = 250;

/**
 * One path of a session: uplink x concentrator address, a UDP 5-tuple. Its number is the member number of the bond.
 * It is measured by its monitor and its MTU search; this object is what the packet loop needs at hand.
 */
export class Path {
  readonly number: number;
  /** Member name: the uplink's. */
  readonly name: string;
  /** Descriptor of the socket it sends by. */
  socket: number;
  /** Where it sends to. The concentrator's follows the newest authentic datagram (roaming). */
  readonly endpoint = new Int32Array(ENDPOINT_WORDS);
  /** What its IP packets have in front of a datagram. */
  ipUdpBytes: number;
  /** What the far end said of this link; counts where our own settings say nothing of it. */
  readonly told: Partial<LinkSettings>;
  /** Every byte costs. */
  readonly metered: boolean;
  /** What the far end is told to attach this path; null at the end that is told. */
  readonly attachJson: string | null;
  /** Both ends know this path. */
  attached: boolean;
  nextAttachMs = 0;
  attachGapMs = ATTACH_FIRST_GAP_MS;
  /** Counter of the next datagram sent. It goes on over rekeys. */
  nextCounter = 0;
  /** Bytes of inner packet, or of frame, that fit one datagram. */
  payloadLimit = 0;
  mtuBytes = 0;
  /** Datagrams near that size were sent since this was last looked at. */
  sentLarge = false;
  /** What waits in the batch under way: indexes of its sealed datagrams. */
  readonly selection = new Int32Array(PATH_BATCH);
  staged = 0;
  /** Why the monitor is in its state. */
  stateReason = "starting";
  /** Whether the line loses what we send singly. */
  readonly lossWatch = new LossWatch();
  /** Sums up what we send, while the line is lossy; else undefined. */
  parityMaker: ParityMaker | undefined;
  /** What the far end sent lately, once it has sent parity. */
  parityStore: ParityStore | undefined;
  readonly monitor: LinkMonitor;
  readonly mtuSearch: PathMtuSearch;

  constructor(
    identity: {
      number: number;
      name: string;
      socket: number;
      endpoint: Int32Array;
      told: Partial<LinkSettings>;
      metered: boolean;
      attachJson: string | null;
    },
    monitor: LinkMonitor,
    mtuSearch: PathMtuSearch,
  ) {
    this.number = identity.number;
    this.name = identity.name;
    this.socket = identity.socket;
    this.endpoint.set(identity.endpoint.subarray(0, ENDPOINT_WORDS));
    this.ipUdpBytes = ipUdpBytesOf(this.endpoint);
    this.told = identity.told;
    this.metered = identity.metered;
    this.attachJson = identity.attachJson;
    this.attached = identity.attachJson === null;
    this.monitor = monitor;
    this.mtuSearch = mtuSearch;
  }

  /** IP, UDP, outer header and tag: what an IP packet of this path has beside its plaintext. */
  get datagramOverheadBytes(): number {
    return this.ipUdpBytes + OUTER_HEADER_BYTES + TAG_BYTES;
  }

  get family(): 4 | 6 {
    return this.endpoint[ENDPOINT_FAMILY] === 6 ? 6 : 4;
  }

  /** @param mtuBytes largest IP packet the path is known to carry. */
  setMtu(mtuBytes: number): void {
    this.mtuBytes = mtuBytes;
    this.payloadLimit = mtuBytes - this.datagramOverheadBytes - INNER_HEADER_BYTES;
  }

  /** Sends to where this record says from now on. */
  moveTo(socket: number, endpoints: Int32Array, index: number): void {
    this.socket = socket;
    this.endpoint.set(endpoints.subarray(index * ENDPOINT_WORDS, (index + 1) * ENDPOINT_WORDS));
    this.ipUdpBytes = ipUdpBytesOf(this.endpoint);
  }

  /** The far end must attach it again: it has started anew. */
  detach(): void {
    this.attached = this.attachJson === null;
    this.nextAttachMs = 0;
    this.attachGapMs = ATTACH_FIRST_GAP_MS;
  }
}

function ipUdpBytesOf(endpoint: Int32Array): number {
  return (endpoint[ENDPOINT_FAMILY] === 6 ? IPV6_HEADER_BYTES : IPV4_HEADER_BYTES) + UDP_HEADER_BYTES;
}
