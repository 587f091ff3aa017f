import type { ClientConfig } from "@wanbond/shared/config";
import type { EventLog, FallbackStatus } from "@wanbond/shared/control";
import { type ResolvedUplink, uplinkSettings } from "../uplink/index.ts";
import { type FallbackDecision, FallbackRule } from "./fallback-rule.ts";
import { UplinkChecks } from "./uplink-checks.ts";

/** Each uplink is asked this often while it matters. */
const CHECK_EVERY_MS = 1_000;

/** What the watch asks of its owner. */
export interface FallbackSink {
  /** `direct` is another one than before. */
  changed(decision: FallbackDecision): void;
}

/** Puts the rule of the direct fallback to work: checks the uplinks, tells the log and the owner what was decided. */
export class FallbackWatch {
  readonly #config: ClientConfig;
  readonly #log: EventLog;
  readonly #sink: FallbackSink;
  readonly #nowMs: () => number;
  readonly #rule: FallbackRule;
  readonly #checks: UplinkChecks;
  #uplinks: readonly ResolvedUplink[] = [];
  #checkedMs = Number.NEGATIVE_INFINITY;

  constructor(config: ClientConfig, log: EventLog, sink: FallbackSink, nowMs: () => number) {
    this.#config = config;
    this.#log = log;
    this.#sink = sink;
    this.#nowMs = nowMs;
    const { check, ...times } = config.fallback;
    this.#rule = new FallbackRule({ ...times, checks: check.length > 0 }, nowMs());
    this.#checks = new UplinkChecks(check, nowMs);
  }

  /** The uplink that the LAN uses directly; null while it uses the bond, and while that uplink is away. */
  get direct(): ResolvedUplink | null {
    const name = this.#rule.direct;
    return this.#uplinks.find((uplink) => uplink.name === name && uplink.unusable === null) ?? null;
  }

  update(uplinks: readonly ResolvedUplink[]): void {
    this.#uplinks = uplinks;
    const usable = uplinks.filter(({ unusable }) => unusable === null);
    this.#rule.onUplinks(usable.map(({ name }) => ({ name, metered: uplinkSettings(this.#config, name).metered })));
  }

  /** Several times a second. @param reachable some concentrator can carry traffic. */
  onTick(reachable: boolean, nowMs: number): void {
    this.#rule.onReachable(reachable, nowMs);
    if (nowMs - this.#checkedMs >= CHECK_EVERY_MS) this.#check(nowMs);
    const decision = this.#rule.onTick(nowMs);
    if (decision === null) return;
    this.#tell(decision);
    this.#sink.changed(decision);
  }

  /** @param reachable as in onTick. */
  status(reachable: boolean): FallbackStatus {
    const { direct, directSinceMs } = this.#rule;
    const { killSwitch } = this.#config.fallback;
    return {
      way: direct !== null ? "direct" : reachable ? "bond" : "none",
      uplink: direct,
      device: this.direct?.device ?? null,
      directMs: direct === null ? null : this.#nowMs() - directSinceMs,
      direct: this.#config.fallback.direct,
      killSwitch,
      uplinks: this.#uplinks.map(({ name }) => ({ name, ...this.#rule.numbersOf(name) })),
    };
  }

  #check(nowMs: number): void {
    this.#checkedMs = nowMs;
    for (const name of this.#rule.toCheck) {
      const uplink = this.#uplinks.find((each) => each.name === name);
      if (uplink !== undefined) void this.#ask(uplink);
    }
  }

  async #ask(uplink: ResolvedUplink): Promise<void> {
    const rttMs = await this.#checks.ask(uplink);
    if (rttMs !== undefined) this.#rule.onCheck(uplink.name, rttMs, this.#nowMs());
  }

  #tell(decision: FallbackDecision): void {
    const { type, ...rest } = decision;
    const { known, ...fields } = "known" in rest ? rest : { ...rest, known: {} };
    const device = this.#uplinks.find(({ name }) => name === decision.uplink)?.device ?? null;
    const numbers = Object.entries({ ...fields, ...known }).map(([key, value]) => [
      key,
      typeof value === "number" && key.endsWith("Ms") ? Math.round(value) : value,
    ]);
    this.#log[type === "ended" ? "info" : "warn"](
      { event: `direct-${type}`, device, ...Object.fromEntries(numbers) },
      SENTENCES[type],
    );
  }
}

const SENTENCES = {
  started: "no concentrator is reachable: the LAN uses this uplink directly, masqueraded and outside the bond",
  moved: "the LAN uses another uplink directly",
  ended: "a bond is up again: the LAN's traffic goes through it, direct connections end",
} as const;
