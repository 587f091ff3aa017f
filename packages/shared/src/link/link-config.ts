/**
 * down: never answered, or silent, or without carrier. pending: answers and waits to be let in. up: in use.
 * evicted: answers, but too slowly or with too much loss.
 */
export type LinkState = "down" | "pending" | "up" | "evicted";

/**
 * answered: the first reply after a silence. confirmed: waited and answered well. alone: the bond has no other member.
 * silent: nothing heard. rtt, loss: above their limits. recovered: back below them. carrier: the interface went down.
 */
export type LinkReason = "answered" | "confirmed" | "alone" | "recovered" | "silent" | "rtt" | "loss" | "carrier";

/** The figures behind a change of state; NaN where unknown. */
export interface LinkNumbers {
  /** Smoothed. */
  readonly rttMs: number;
  /** The last answer's. */
  readonly lastRttMs: number;
  /** Above this the state would be (or was) left because of RTT. */
  readonly rttLimitMs: number;
  /** Age of the oldest probe after the newest answered one; 0 if there is none. */
  readonly unansweredMs: number;
  /** Since the last authentic datagram. */
  readonly unheardMs: number;
  readonly plrRatio: number;
  readonly packetCount: number;
  /** How often the member had to leave lately. */
  readonly offences: number;
  /** Left of the punishment. */
  readonly waitMs: number;
}

export interface LinkMonitorConfig {
  /** While the path carries traffic, is being tried, or with monitorStrategy "fixed" always. */
  readonly probeIntervalMs: number;
  readonly idleProbeIntervalMs: number;
  /** dynamic: probe often only while the path carries traffic. */
  readonly monitorStrategy: "dynamic" | "fixed";
  /** Nothing heard for this long while probes are unanswered: the path is down. */
  readonly failoverIntervalMs: number;
  /** Waited before an answering path is used, and before a failed one is given up (kernel bonding's updelay, downdelay). */
  readonly upDelayMs: number;
  readonly downDelayMs: number;
  readonly evictRttMs: number;
  /** Times the best member's RTT, judged while the path is not loaded; 0: not judged. */
  readonly evictRttFactor: number;
  /** 0..1 */
  readonly evictPlr: number;
  /** Every byte costs: probe rarely when idle. */
  readonly metered: boolean;
}

/**
 * 1500 ms: a 3G line of 300 ms behind its own full 1-s buffer stays in, a spike to 2 s goes out (mostly by silence, sooner).
 * No factor: 20 ms of fibre beside 300 ms of 3G is what people bond; only they can say that they do not want it.
 * 0.3: loss that makes a line useless to TCP starts lower, but overload of our own making must not empty the bond.
 */
export const LINK_MONITOR_DEFAULTS: LinkMonitorConfig = {
  probeIntervalMs: 100,
  idleProbeIntervalMs: 1000,
  monitorStrategy: "dynamic",
  failoverIntervalMs: 400,
  upDelayMs: 0,
  downDelayMs: 0,
  evictRttMs: 1500,
  evictRttFactor: 0,
  evictPlr: 0.3,
  metered: false,
};

/** What a monitor asks of its owner; the owner does the I/O. */
export interface LinkMonitorSink {
  sendProbe(probeId: number): void;
  stateChanged(from: LinkState, to: LinkState, reason: LinkReason, numbers: LinkNumbers): void;
}
