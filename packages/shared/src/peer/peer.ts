import type { FeedbackRecorder } from "../aggregate/index.ts";
import type { Bond, BondSettings } from "../bond/index.ts";
import type { DuplicateFilter, Reassembler, Resequencer } from "../reseq/index.ts";
import { FLOW_SLOTS, MAX_INNER_MTU, MAX_PATHS, MIN_INNER_MTU, SEQUENCE_MODULUS } from "../wire/index.ts";
import type { Epoch } from "./epoch.ts";
import type { Path } from "./path.ts";
import type { PeerSender } from "./peer-sender.ts";
import { RequestBudget } from "./request-budget.ts";

/** How frames of this peer lie on the wire: IP packets without their Ethernet header, or whole frames. */
export type PeerMode = "routed" | "bridged";

/** The parts of a peer that order and deduplicate what it sends us. */
export interface PeerReceiver {
  /** Another one when its settings change. */
  resequencer: Resequencer;
  readonly duplicates: DuplicateFilter;
  /** Of the frames that do not wait. */
  readonly realtimeDuplicates: DuplicateFilter;
  readonly reassembler: Reassembler;
  /** What arrived, for a far end that wants to know. */
  readonly reports: FeedbackRecorder;
}

/** A configuration on its way to the far end, repeated until it is acknowledged. */
export interface PendingConfig {
  readonly messageId: number;
  readonly json: string;
  nextMs: number;
}

/** Beyond that a repair is not waited for, whatever the lines' round trips. */
const SHORTEST_REPAIR_MS = 60;
const LONGEST_REPAIR_MS = 500;
const REPORT_PAUSE_MS = 40;

/** Until a member has shown what it carries: every IPv6 line carries at least this. */
const FIRST_INNER_MTU = 1280;

/** The other end of a tunnel as the packet loop knows it: keys, paths, bond, order. A client has one, a concentrator many. */
export class Peer {
  /** Number given by the main thread; also what destination tables answer. */
  readonly id: number;
  readonly name: string;
  readonly mode: PeerMode;
  /** A path's address follows its newest authentic datagram. */
  readonly roams: boolean;
  /** It may become a client: no frame comes from it, and none goes to it. */
  readonly enrolling: boolean;
  bond: Bond;
  readonly receiver: PeerReceiver;
  /** Of a policy that keeps frames; frames of the others are sent at once. */
  sender: PeerSender | undefined;
  settings: BondSettings;
  readonly paths: (Path | undefined)[] = new Array<Path | undefined>(MAX_PATHS).fill(undefined);
  /** Epochs that still open datagrams, newest first. */
  readonly epochs: Epoch[] = [];
  /** The epoch that seals; undefined before the first handshake is confirmed. */
  sending: Epoch | undefined;
  /** Since when. */
  sendingSinceMs = 0;
  rekeys = 0;
  /** As it was told last: there are keys and a usable path. */
  reachable = false;
  /** Last authentic datagram on any path. */
  heardMs: number;
  /** Largest inner packet that fits the narrowest usable member of our direction. */
  innerMtu = FIRST_INNER_MTU;
  /** What the far end said of its own direction; Infinity before. */
  farInnerMtu = Number.POSITIVE_INFINITY;
  pendingConfig: PendingConfig | undefined;
  nextQualityMs = 0;
  nextBondMtuMs = 0;
  nextSilenceMs = 0;
  /** The far end wants arrivals reported until then: it sent frames that say so. */
  reportUntilMs = Number.NEGATIVE_INFINITY;
  /** Which of the two best paths took the last report. */
  reportTurn = false;
  /** How long a frame that the far end sends again may take; renewed with the members' quality. */
  repairMs = LONGEST_REPAIR_MS;
  readonly requests = new RequestBudget();
  readonly #sequences = new Int32Array(FLOW_SLOTS);
  readonly #realtimeSequences = new Int32Array(FLOW_SLOTS);

  constructor(
    identity: { id: number; name: string; mode: PeerMode; roams: boolean; enrolling: boolean },
    bond: Bond,
    receiver: PeerReceiver,
    settings: BondSettings,
    nowMs: number,
  ) {
    this.id = identity.id;
    this.name = identity.name;
    this.mode = identity.mode;
    this.roams = identity.roams;
    this.enrolling = identity.enrolling;
    this.bond = bond;
    this.receiver = receiver;
    this.settings = settings;
    this.heardMs = nowMs;
  }

  /** Number of the next frame of a flow slot, wrapping at 2^24. */
  nextSequence(flowSlot: number): number {
    const sequence = this.#sequences[flowSlot] ?? 0;
    this.#sequences[flowSlot] = (sequence + 1) & (SEQUENCE_MODULUS - 1);
    return sequence;
  }

  /** The same for frames that do not wait: they are numbered apart, or they would be holes to the others. */
  nextRealtimeSequence(flowSlot: number): number {
    const sequence = this.#realtimeSequences[flowSlot] ?? 0;
    this.#realtimeSequences[flowSlot] = (sequence + 1) & (SEQUENCE_MODULUS - 1);
    return sequence;
  }

  /** The far end has started anew: the numbering of both directions begins again, and nothing of its old run will come. */
  forgetOrder(): void {
    this.#sequences.fill(0);
    this.#realtimeSequences.fill(0);
    this.receiver.resequencer.reset();
    this.receiver.duplicates.reset();
    this.receiver.realtimeDuplicates.reset();
    this.receiver.reassembler.reset();
    this.receiver.reports.reset();
    this.farInnerMtu = Number.POSITIVE_INFINITY;
  }

  /** The far end has confirmed the configuration with this number. */
  configDelivered(messageId: number): void {
    if (this.pendingConfig?.messageId === messageId) this.pendingConfig = undefined;
  }

  hasUsableBeside(path: Path): boolean {
    return this.paths.some((other) => other !== undefined && other !== path && other.monitor.usable);
  }

  /** Lowest RTT among the usable paths without their queues; NaN when none is. */
  bestRttMs(): number {
    let bestMs = Number.NaN;
    for (const path of this.paths) {
      if (path?.monitor.usable === true && !(path.monitor.rtt.minMs >= bestMs)) bestMs = path.monitor.rtt.minMs;
    }
    return bestMs;
  }

  /**
   * A repair takes the pause of a report, the report there and the frame back; and before that, where lines reorder, the
   * time until what is only late is told from what is lost. So much goes by when the delay is at its longest.
   */
  renewRepairMs(): void {
    let wantedMs = Number.POSITIVE_INFINITY;
    for (const path of this.paths) {
      if (path?.monitor.usable !== true) continue;
      const { smoothedMs, maxMs } = path.monitor.rtt;
      const pathMs = smoothedMs + maxMs + REPORT_PAUSE_MS;
      if (pathMs < wantedMs) wantedMs = pathMs;
    }
    this.repairMs = Math.min(LONGEST_REPAIR_MS, Math.max(SHORTEST_REPAIR_MS, wantedMs));
  }

  /** The usable path that answers soonest. @param without mask of paths that are not looked at. */
  bestPath(without = 0): Path | undefined {
    let best: Path | undefined;
    for (const path of this.paths) {
      if (path === undefined || (without & (1 << path.number)) !== 0 || !path.monitor.usable) continue;
      if (best === undefined || path.monitor.rtt.smoothedMs < best.monitor.rtt.smoothedMs) best = path;
    }
    return best;
  }

  /** Mask of the usable members. */
  usableMask(): number {
    let mask = 0;
    for (const path of this.paths) if (path?.monitor.usable === true) mask |= 1 << path.number;
    return mask;
  }

  anyPath(): Path | undefined {
    return this.paths.find((path) => path?.attached === true);
  }

  /** Inner MTU of the narrowest usable member whose own is known; unchanged while there is none. */
  narrowestMtu(): number {
    let narrowest = Number.POSITIVE_INFINITY;
    for (const path of this.paths) {
      if (path?.monitor.usable === true && path.mtuSearch.settled) narrowest = Math.min(narrowest, path.payloadLimit);
    }
    if (narrowest === Number.POSITIVE_INFINITY) return this.innerMtu;
    if (this.mode === "bridged") narrowest -= 14;
    return Math.max(MIN_INNER_MTU, Math.min(MAX_INNER_MTU, narrowest));
  }
}
