import type { LinkMonitorConfig, LinkState } from "./link-config.ts";

/** Four probes must fit into the failover interval, so that three of them can be missed in it. */
const PROBES_PER_FAILOVER = 4;
/** A path that is down is asked this often. */
const DOWN_INTERVAL_MS = 500;
const METERED_DOWN_INTERVAL_MS = 1000;
/** After so long a metered path that is down is asked as rarely as an idle one. */
const METERED_PATIENCE_MS = 30_000;
/** Two probes and two replies of 67 + 83 bytes (IPv4) in 10 s make 0.24 kbit/s, 0.31 with IPv6. */
const METERED_IDLE_INTERVAL_MS = 10_000;
/** An idle radio may sleep and take seconds to wake; nobody is waiting for it. */
const IDLE_SILENCE_MS = 1000;
const METERED_IDLE_SILENCE_MS = 3000;
/** Shortly before a pending member is due it has to show five good answers. */
const TRIAL_MS = 3000;

/** How often a path is probed, by what it is doing. */
export class ProbePace {
  /** While loaded or on trial. */
  readonly fastMs: number;
  readonly idleMs: number;
  /** How long an idle path may say nothing. */
  readonly idleSilenceMs: number;
  readonly #metered: boolean;

  constructor(config: LinkMonitorConfig) {
    this.#metered = config.metered;
    this.fastMs = Math.min(config.probeIntervalMs, config.failoverIntervalMs / PROBES_PER_FAILOVER);
    const idleMs = config.metered ? METERED_IDLE_INTERVAL_MS : 0;
    this.idleMs = config.monitorStrategy === "fixed" ? this.fastMs : Math.max(idleMs, config.idleProbeIntervalMs);
    const patienceMs = config.metered ? METERED_IDLE_SILENCE_MS : IDLE_SILENCE_MS;
    this.idleSilenceMs = Math.max(config.failoverIntervalMs, patienceMs);
  }

  /** For a path that is not in use. @param sinceMs in this state for; @param dueInMs left until it may be let in. */
  outOfUseMs(state: LinkState, sinceMs: number, dueInMs: number): number {
    if (state === "down") {
      if (!this.#metered) return DOWN_INTERVAL_MS;
      return sinceMs < METERED_PATIENCE_MS ? METERED_DOWN_INTERVAL_MS : this.idleMs;
    }
    return this.#metered && dueInMs > TRIAL_MS ? METERED_DOWN_INTERVAL_MS : this.fastMs;
  }
}
