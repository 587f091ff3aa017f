import { type AggregateEvent, FeedbackRecorder } from "../aggregate/index.ts";
import { Bond, type BondSettings } from "../bond/index.ts";
import { LINK_MONITOR_DEFAULTS, LinkMonitor, type LinkMonitorConfig, PathMtuSearch } from "../link/index.ts";
import { Path, Peer, type PeerReceiver, type PeerSender } from "../peer/index.ts";
import { DuplicateFilter, Reassembler, Resequencer, type SlotVector } from "../reseq/index.ts";
import type { Random } from "../units.ts";
import { AggregateLink, type AggregateLinkParts } from "./aggregate-link.ts";
import type { PathOptions, PeerOptions } from "./commands.ts";
import type { ControlChannel } from "./control-channel.ts";
import { ETHERNET_BYTES } from "./ethernet-writer.ts";
import type { EmitEvent } from "./events.ts";
import type { PacketPool } from "./packet-pool.ts";
import type { PacketPorts } from "./ports.ts";

/** Frames that all flows of a peer together may have waiting for a gap: 2 s of 50 Mbit/s. */
const MAX_HELD_FRAMES = 8192;
/** Frames being joined from fragments at once, and how long their parts may take: longer than lines differ. */
const MAX_PARTIAL_FRAMES = 64;
const JOIN_TIMEOUT_MS = 3_000;

/** Puts together what a peer and a path are made of, and connects what they decide with those who carry it out. */
export class PeerFactory {
  readonly #ports: PacketPorts;
  readonly #pool: PacketPool;
  readonly #control: ControlChannel;
  readonly #due: SlotVector;
  readonly #random: Random;
  readonly #emit: EmitEvent;
  readonly #linkParts: Omit<AggregateLinkParts, "event">;
  readonly #nowMs: () => number;

  constructor(parts: {
    ports: PacketPorts;
    pool: PacketPool;
    control: ControlChannel;
    due: SlotVector;
    random: Random;
    emit: EmitEvent;
    link: Omit<AggregateLinkParts, "event">;
  }) {
    this.#ports = parts.ports;
    this.#pool = parts.pool;
    this.#control = parts.control;
    this.#due = parts.due;
    this.#random = parts.random;
    this.#emit = parts.emit;
    this.#linkParts = parts.link;
    this.#nowMs = () => parts.ports.nowMs();
  }

  createPeer(options: PeerOptions, nowMs: number): Peer {
    const { peerId: id, name, mode, roams, enrolling = false } = options;
    const bond = this.#createBond(id, options.bond);
    const peer = new Peer(
      { id, name, mode, roams, enrolling },
      bond,
      this.#createReceiver(options),
      options.bond,
      nowMs,
    );
    peer.sender = this.#createSender(peer);
    return peer;
  }

  /**
   * New settings while frames flow: the members stay, and what was measured of them. The resequencer must hold nothing,
   * as its hold may be another from now on.
   */
  replaceBond(peer: Peer, settings: BondSettings, nowMs: number): void {
    peer.bond = this.#createBond(peer.id, settings);
    peer.settings = settings;
    peer.receiver.resequencer = this.#createResequencer(settings, peer.receiver.duplicates);
    peer.receiver.resequencer.setLivePaths(peer.usableMask(), nowMs);
    for (const path of peer.paths) {
      if (path === undefined) continue;
      path.monitor.configure(monitorSettings(settings, path.name), nowMs);
      peer.bond.setMember(path.number, path.name, path.family, path.told);
      peer.bond.setUsable(path.number, path.monitor.usable, nowMs);
    }
    this.renewSender(peer, nowMs);
  }

  /** Frames that the old sender keeps are given up: under other settings, or for a far end that has started anew. */
  renewSender(peer: Peer, nowMs: number): void {
    peer.sender?.close();
    peer.sender = this.#createSender(peer);
    for (const path of peer.paths) {
      if (path !== undefined) peer.sender?.addPath(path.number, path.metered, typedKbps(peer, path.number), nowMs);
    }
    peer.sender?.setEligible(peer.bond.eligibleMask, nowMs);
  }

  createPath(peer: Peer, options: PathOptions, nowMs: number): Path {
    const number = options.pathNumber;
    const monitor = new LinkMonitor(
      { ...LINK_MONITOR_DEFAULTS, ...monitorSettings(peer.settings, options.name), metered: options.metered },
      {
        sendProbe: (probeId) =>
          this.#withPath(peer, number, (path) => this.#control.probe(peer, path, probeId, this.#nowMs())),
        stateChanged: (from, to, reason, numbers) => {
          this.#withPath(peer, number, (path) => {
            path.stateReason = reason;
          });
          peer.bond.setUsable(number, to === "up", this.#nowMs());
          peer.sender?.setEligible(peer.bond.eligibleMask, this.#nowMs());
          peer.receiver.resequencer.setLivePaths(peer.usableMask(), this.#nowMs());
          this.#emit({ type: "member-state", peerId: peer.id, member: options.name, from, to, reason, numbers });
        },
      },
      nowMs,
    );
    const mtuSearch = new PathMtuSearch(
      { maxBytes: options.deviceMtu },
      {
        sendMtuProbe: (probeId, sizeBytes) =>
          this.#withPath(peer, number, (path) => this.#control.mtuProbe(peer, path, probeId, sizeBytes, this.#nowMs())),
        plpmtuChanged: (mtu, reason) =>
          this.#withPath(peer, number, (path) => {
            path.setMtu(mtu);
            this.#emit({ type: "path-mtu", peerId: peer.id, member: options.name, mtu, reason });
          }),
      },
      nowMs,
    );
    const path = new Path({ number, ...options }, monitor, mtuSearch);
    path.setMtu(mtuSearch.plpmtuBytes);
    peer.bond.setMember(number, options.name, path.family, options.told);
    peer.sender?.addPath(number, options.metered, typedKbps(peer, number), nowMs);
    return path;
  }

  #withPath(peer: Peer, number: number, act: (path: Path) => void): void {
    const path = peer.paths[number];
    if (path !== undefined) act(path);
  }

  #createBond(peerId: number, settings: BondSettings): Bond {
    return new Bond(settings, this.#random, {
      bondEvent: (decision) => this.#emit({ type: "bond-decision", peerId, decision }),
    });
  }

  #createSender(peer: Peer): PeerSender | undefined {
    if (peer.settings.basePolicy !== "aggregate") return undefined;
    const event = (decision: AggregateEvent) => {
      const member = "path" in decision ? (peer.paths[decision.path]?.name ?? null) : null;
      this.#emit({ type: "aggregate", peerId: peer.id, member, decision });
    };
    return new AggregateLink(peer, { ...this.#linkParts, event });
  }

  #createReceiver(options: PeerOptions): PeerReceiver {
    const duplicates = new DuplicateFilter();
    return {
      duplicates,
      realtimeDuplicates: new DuplicateFilter(),
      reports: new FeedbackRecorder(),
      resequencer: this.#createResequencer(options.bond, duplicates),
      reassembler: new Reassembler(this.#ports.pool, this.#pool, {
        headroom: options.mode === "routed" ? ETHERNET_BYTES : 0,
        maxPartial: MAX_PARTIAL_FRAMES,
        timeoutMs: JOIN_TIMEOUT_MS,
      }),
    };
  }

  #createResequencer({ maxHoldMs }: BondSettings, duplicates: DuplicateFilter): Resequencer {
    return new Resequencer({ maxHoldMs, maxHeldFrames: MAX_HELD_FRAMES }, duplicates, this.#due);
  }
}

/** `speed` of a link is in Mbit/s here; 0 is no limit. */
function typedKbps(peer: Peer, pathNumber: number): number | null {
  const speed = peer.bond.linkSettings(pathNumber)?.speed ?? 0;
  return speed > 0 ? speed * 1000 : null;
}

/** What the operator says of a link goes before what he says of the bond. A limit of 0 is none. */
function monitorSettings(settings: BondSettings, name: string): Partial<LinkMonitorConfig> {
  // Names come from the far end, too: "constructor" is one as any other.
  const link = Object.hasOwn(settings.links, name) ? settings.links[name] : undefined;
  return {
    probeIntervalMs: settings.probeIntervalMs,
    monitorStrategy: settings.monitorStrategy === "active" ? "fixed" : "dynamic",
    failoverIntervalMs: link?.failoverIntervalMs ?? settings.failoverIntervalMs,
    upDelayMs: link?.upDelayMs ?? settings.upDelayMs,
    downDelayMs: link?.downDelayMs ?? settings.downDelayMs,
    evictRttMs: settings.evictRttMs || Number.POSITIVE_INFINITY,
    evictRttFactor: settings.evictRttFactor,
    evictPlr: settings.evictPlrRatio || Number.POSITIVE_INFINITY,
  };
}
