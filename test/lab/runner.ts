import { startLines } from "../support/emulator.ts";
import { preparePair } from "../support/programs.ts";
import { seededRandom } from "../support/random.ts";
import { buildTopology } from "../support/topology.ts";
import type { PingStatistics } from "../support/traffic.ts";
import { sleep } from "../support/wait.ts";
import type { Figure } from "./figures.ts";
import { measureAlone } from "./measure-alone.ts";
import { measureEightTcp, measureFullUdp, measureIdle, measureOneTcp, SETTLE_MS } from "./measure-bond.ts";
import { measureCut } from "./measure-cut.ts";
import { measureFlap } from "./measure-flap.ts";
import { measureSpike } from "./measure-spike.ts";
import { measureStart } from "./measure-start.ts";
import { linesTogether } from "./merge.ts";
import type { LabOptions } from "./options.ts";
import type { AloneResult, LabResult, Load, RunResult } from "./result.ts";
import type { Scenario } from "./scenarios.ts";
import { type BondStage, HOST_BUFFERS, innerMtu, pairOptions, type Stage } from "./stage.ts";
import { rowsOf } from "./values.ts";
import { trackRates } from "./wander.ts";

/** What matters to the measurements; the rest is about what is shown. */
type MeasureOptions = Omit<LabOptions, "markdown" | "from">;

/** Builds the stage of each scenario, starts each bond on it once, and measures one after another. */
export class LabRun {
  readonly #options: MeasureOptions;
  readonly #progress: (text: string) => void;
  readonly #alone: AloneResult[] = [];
  readonly #runs: RunResult[] = [];
  #lines: LabResult["lines"] = null;
  #complete = false;

  constructor(options: MeasureOptions, progress: (text: string) => void) {
    this.#options = options;
    this.#progress = progress;
  }

  /** What has been measured so far. */
  get result(): LabResult {
    const { seconds, warmUpSeconds, rounds } = this.#options;
    const [alone, runs] = [[...this.#alone], [...this.#runs]];
    return {
      complete: this.#complete,
      lines: this.#lines,
      seconds,
      warmUpSeconds,
      rounds,
      scenarios: this.#options.scenarios.map(({ name, description }) => ({ name, description })),
      alone,
      rows: rowsOf({ alone, runs }),
      runs,
    };
  }

  /** Measures everything. @param stay called with the last stage before it is removed. */
  async run(stay: (stage: Stage) => Promise<void> = async () => {}): Promise<void> {
    const last = this.#options.scenarios.at(-1);
    for (const scenario of this.#options.scenarios) {
      const stage = await this.#setStage(scenario);
      await this.#measureScenario(stage);
      if (scenario === last) await stay(stage);
      stage.rates.stop();
      await stage.emulation.stop();
      stage.topology.remove();
    }
    this.#complete = true;
  }

  async #setStage(scenario: Scenario): Promise<Stage> {
    const { seconds, warmUpSeconds } = this.#options;
    this.#progress(`${scenario.name}: ${scenario.description}`);
    const topology = await buildTopology({ uplinkCount: scenario.lines.length, nat: this.#options.nat });
    for (const host of [topology.lan, topology.server]) await host.sysctl(HOST_BUFFERS);
    const emulation = await startLines(topology, scenario.lines);
    this.#lines = linesTogether(this.#lines, emulation.kind);
    const rates = trackRates(scenario, emulation, seededRandom(1));
    const progress = (text: string) => this.#progress(`${scenario.name}: ${text}`);
    return { scenario, seconds, warmUpSeconds, topology, emulation, rates, progress };
  }

  async #measureScenario(stage: Stage): Promise<void> {
    const { congestionControls, directions, figures, policies } = this.#options;
    const loads = directions.flatMap((direction) =>
      congestionControls.map((congestionControl) => ({ direction, congestionControl })),
    );
    if (figures.has("alone")) {
      for (const load of loads) this.#alone.push(...(await measureAlone(stage, load)));
    }
    for (const policy of policies) await this.#measurePolicy(stage, policy, loads);
  }

  /** A bond that fails is part of the result, so that others go on. */
  async #measurePolicy(stage: Stage, policy: string, loads: readonly Load[]): Promise<void> {
    stage.progress(`${policy}: starting both programs`);
    const pair = await preparePair(stage.topology, pairOptions(policy));
    try {
      await pair.start();
      const bondStage = { ...stage, policy, pair };
      const idle = this.#options.figures.has("ping") ? await measureIdle(bondStage) : null;
      for (let round = 1; round <= this.#options.rounds; round++) {
        for (const load of loads) this.#runs.push(await this.#measureRun(bondStage, load, round, idle));
      }
    } catch (error) {
      for (const load of loads) this.#runs.push({ ...emptyRun(stage, policy, load, 1), error: messageOf(error) });
    } finally {
      await pair.stop();
    }
  }

  async #measureRun(stage: BondStage, load: Load, round: number, idle: PingStatistics | null): Promise<RunResult> {
    const errors: string[] = [];
    const names = [stage.policy, load.congestionControl, load.direction, ...(round > 1 ? [`round ${round}`] : [])];
    /** An overloaded bond may starve iperf3's own control connection: that figure is missing then, others are not. */
    const attempt = async <T>(figure: Figure, measure: (stage: BondStage, load: Load) => Promise<T>) => {
      if (!this.#options.figures.has(figure)) return null;
      stage.progress(`${names.join(" ")}: ${figure}`);
      try {
        return await measure(stage, load);
      } catch (error) {
        errors.push(`${figure}: ${messageOf(error)}`);
        return null;
      }
    };
    const run = emptyRun(stage, stage.policy, load, round);
    const figures = {
      idle,
      start: await attempt("start-up", measureStart),
      oneTcp: await attempt("one-tcp", measureOneTcp),
      eightTcp: await attempt("eight-tcp", measureEightTcp),
      udp: await attempt("udp", measureFullUdp),
      cut: await attempt("cut", afresh(measureCut)),
      spike: await attempt("spike", afresh(measureSpike)),
      flap: await attempt("flap", afresh(measureFlap)),
    };
    return { ...run, ...figures, mtu: await innerMtu(stage), error: errors.length === 0 ? null : errors.join("\n") };
  }
}

/** A line that failed more than once is left out for longer each time: so a bond without a history for each trouble. */
function afresh<T>(measure: (stage: BondStage, load: Load) => Promise<T>) {
  return async (stage: BondStage, load: Load): Promise<T> => {
    const { client, concentrator } = stage.pair;
    await Promise.all([client.stop(), concentrator.stop()]);
    await stage.pair.start();
    await sleep(SETTLE_MS);
    return measure(stage, load);
  };
}

function emptyRun({ scenario }: Stage, policy: string, load: Load, round: number): RunResult {
  const loads = { start: null, oneTcp: null, eightTcp: null, udp: null };
  const troubles = { cut: null, spike: null, flap: null };
  return { scenario: scenario.name, policy, ...load, round, error: null, mtu: null, idle: null, ...loads, ...troubles };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
