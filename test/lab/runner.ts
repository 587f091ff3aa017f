import { startLines } from "../support/emulator.ts";
import { seededRandom } from "../support/random.ts";
import { buildTopology } from "../support/topology.ts";
import { measureAlone } from "./measure-alone.ts";
import { measureBond } from "./measure-bond.ts";
import type { LabOptions } from "./options.ts";
import type { AloneResult, BondResult, LabResult } from "./result.ts";
import type { Stage } from "./stage.ts";
import { trackRates } from "./wander.ts";

/** Builds the stage and measures one after another; the stage is left to the caller. */
export async function setStage(options: LabOptions, progress: (text: string) => void): Promise<Stage> {
  const { scenario } = options;
  progress(`building the network for ${scenario.name}: ${scenario.description}`);
  const topology = await buildTopology({ uplinkCount: scenario.lines.length });
  const emulation = await startLines(topology, scenario.lines);
  progress(`lines are emulated by ${emulation.kind === "netem" ? "the kernel's netem" : "wanbond's own emulator"}`);
  const rates = trackRates(scenario, emulation, seededRandom(1));
  return { options, topology, emulation, rates, progress };
}

export async function measureAll(stage: Stage): Promise<LabResult> {
  const { options, topology, emulation } = stage;
  const { scenario, direction, congestionControl, seconds } = options;
  const alone: AloneResult[] = [];
  for (const index of topology.uplinks.keys()) alone.push(await measureAlone(stage, index));
  const bonds: BondResult[] = [];
  for (const policy of options.policies) bonds.push(await measureBond(stage, policy));
  const { name, description } = scenario;
  return { scenario: name, description, lines: emulation.kind, direction, congestionControl, seconds, alone, bonds };
}
