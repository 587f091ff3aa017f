import type { TransmitHashPolicy } from "../packet/index.ts";

/** The policies there are; a custom policy names one of them as its basePolicy. */
export const STANDARD_POLICIES = [
  "none",
  "active-backup",
  "broadcast",
  "balance-rr",
  "balance-xor",
  "balance-aware",
  "aggregate",
] as const;
export type PolicyName = (typeof STANDARD_POLICIES)[number];
/** Of a bond that is told nothing: one connection fills all links, and order is restored. */
export const DEFAULT_POLICY: PolicyName = "aggregate";

export const LINK_SELECT_METHODS = ["optimize", "always", "better", "failure"] as const;
export type LinkSelectMethod = (typeof LINK_SELECT_METHODS)[number];
export const BALANCE_POLICIES = ["flow-dynamic", "flow-static", "packet"] as const;
export type BalancePolicy = (typeof BALANCE_POLICIES)[number];
export const MONITOR_STRATEGIES = ["dynamic", "active"] as const;
export type MonitorStrategy = (typeof MONITOR_STRATEGIES)[number];
export const RESEQUENCING_MODES = ["auto", "on", "off"] as const;
export type ResequencingMode = (typeof RESEQUENCING_MODES)[number];
/** 0: any; 4, 6: only this IP version; 46, 64: the first one, the other only while a link has no usable path of the first. */
export const IPV_PREFERENCES = [0, 4, 6, 46, 64] as const;
export type IpvPreference = (typeof IPV_PREFERENCES)[number];

/** How much each measured property counts in the quality of a link; they total 1. ZeroTier's names. */
export interface QualityWeights {
  /** Round-trip time. */
  readonly lat: number;
  /** Largest round-trip time seen. */
  readonly ltm: number;
  /** Packet delay variation. */
  readonly pdv: number;
  /** Packet loss ratio. */
  readonly plr: number;
  /** Packet error ratio: datagrams that came damaged or forged. */
  readonly per: number;
  /** Availability: the share of time the link was usable. */
  readonly avl: number;
}
/** Latency, its variation and loss are what a user feels; a line that is often away is felt less while it is there. */
export const DEFAULT_QUALITY_WEIGHTS: QualityWeights = { lat: 0.3, ltm: 0.1, pdv: 0.2, plr: 0.3, per: 0, avl: 0.1 };

/** What is set for one link (an uplink, by its name). null: not said. */
export interface LinkSettings {
  /** null counts as primary, but leaves active-backup free to choose. */
  readonly mode: "primary" | "spare" | null;
  readonly failoverTo: string | null;
  /** Relative weight; measured quality counts beside it in balance-aware. */
  readonly speed: number | null;
  /** Relative weight; nothing counts beside it. */
  readonly alloc: number | null;
  readonly ipvPref: IpvPreference;
  readonly enabled: boolean;
  readonly failoverIntervalMs: number;
  readonly upDelayMs: number;
  readonly downDelayMs: number;
}

/** Everything a bond and the monitors of its links need to know, defaults filled in. Survives JSON and postMessage. */
export interface BondSettings {
  /** The name the user chose: a custom policy's, or that of basePolicy. */
  readonly policy: string;
  readonly basePolicy: PolicyName;
  /** balance-rr: frames in a row on one member, 1..65535; 0 draws a member for each frame. */
  readonly packetsPerLink: number;
  readonly transmitHashPolicy: TransmitHashPolicy;
  /** null: always where the links say which is preferred, else optimize. */
  readonly linkSelectMethod: LinkSelectMethod | null;
  readonly primary: string | null;
  readonly dedup: boolean;
  readonly balancePolicy: BalancePolicy;
  /** With fewer eligible members the bond carries nothing. */
  readonly minLinks: number;
  readonly quality: QualityWeights;
  readonly failoverIntervalMs: number;
  readonly upDelayMs: number;
  readonly downDelayMs: number;
  readonly monitorStrategy: MonitorStrategy;
  readonly probeIntervalMs: number;
  /** RTT at which a member is evicted; 0 never. */
  readonly evictRttMs: number;
  /** Multiple of the best member's RTT at which a member is evicted; 0 never. */
  readonly evictRttFactor: number;
  /** Loss ratio at which a member is evicted; 0 never. */
  readonly evictPlrRatio: number;
  readonly resequencing: ResequencingMode;
  /** Longest time the receiver holds a frame for a missing one. */
  readonly maxHoldMs: number;
  /** aggregate: traffic that is real-time because the user says so, one rule each (aggregate/realtime-rules.ts). */
  readonly realtime: readonly string[];
  /** By link name. When there is any, links that are not here go unused. */
  readonly links: Readonly<Record<string, LinkSettings>>;
}

/**
 * failoverIntervalMs: a link that answers nothing for so long has failed. 400 = four probes: a blackholed link is out of the
 * bond within half a second, and no single lost probe, nor two, can do it. ZeroTier's 10 s cuts every call.
 * upDelayMs, downDelayMs: 0 as in the kernel and RouterOS; the monitors have their own hysteresis.
 * packetsPerLink: ZeroTier's 8 (kernel and RouterOS: 1). Runs of a few frames keep the far end's interrupts and GRO going.
 * evictRttMs, evictRttFactor, evictPlrRatio: those of the path monitors, which give the reasons. maxHoldMs: a stall that TCP and people still
 * forgive; with aggregate, which sends again what is lost, what a satellite is behind the other lines.
 */
export function defaultBondSettings(basePolicy: PolicyName = DEFAULT_POLICY): BondSettings {
  return {
    policy: basePolicy,
    basePolicy,
    packetsPerLink: 8,
    transmitHashPolicy: "layer3+4",
    linkSelectMethod: null,
    primary: null,
    dedup: true,
    balancePolicy: "flow-dynamic",
    minLinks: 0,
    quality: DEFAULT_QUALITY_WEIGHTS,
    failoverIntervalMs: 400,
    upDelayMs: 0,
    downDelayMs: 0,
    monitorStrategy: "dynamic",
    probeIntervalMs: 100,
    evictRttMs: 1500,
    evictRttFactor: 0,
    evictPlrRatio: 0.3,
    resequencing: "auto",
    maxHoldMs: basePolicy === "aggregate" ? 500 : 250,
    realtime: [],
    links: {},
  };
}

/** A link about which nothing is said, in a bond with these settings. */
export function defaultLinkSettings(bond: BondSettings): LinkSettings {
  return {
    mode: null,
    failoverTo: null,
    speed: null,
    alloc: null,
    ipvPref: 46,
    enabled: true,
    failoverIntervalMs: bond.failoverIntervalMs,
    upDelayMs: bond.upDelayMs,
    downDelayMs: bond.downDelayMs,
  };
}
