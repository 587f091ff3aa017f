/** `npm run lab`: real programs, real traffic, emulated lines. See HELP in options.ts. */
import { EX_NOPERM, EX_USAGE } from "../../packages/shared/src/errors.ts";
import { isRoot } from "../support/netns.ts";
import { preparePair } from "../support/programs.ts";
import { HELP, type LabOptions, listScenarios, parseOptions, UsageError } from "./options.ts";
import { renderReport } from "./report.ts";
import { measureAll, setStage } from "./runner.ts";
import { pairOptions, type Stage } from "./stage.ts";

const startMs = performance.now();

function progress(text: string): void {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.error(`[${String(seconds).padStart(3)} s] ${text}`);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help" || options === "list") {
    console.log(options === "help" ? `${HELP}\nScenarios\n${listScenarios()}` : listScenarios());
    return 0;
  }
  if (!isRoot()) {
    console.error("The lab makes network namespaces, which needs root: run `sudo npm run lab`.");
    return EX_NOPERM;
  }
  return runLab(options);
}

async function runLab(options: LabOptions): Promise<number> {
  const stage = await setStage(options, progress);
  const result = await measureAll(stage);
  console.log(options.json ? JSON.stringify(result, null, 2) : `\n${renderReport(result)}`);
  if (options.keep) await keepStanding(stage);
  stage.rates.stop();
  await stage.emulation.stop();
  stage.topology.remove();
  return result.bonds.every((bond) => bond.error === null) ? 0 : 1;
}

/** Starts the last bond again and waits; Ctrl-C removes everything. */
async function keepStanding(stage: Stage): Promise<never> {
  const pair = await preparePair(stage.topology, pairOptions(stage.options.policies.at(-1) ?? "balance-xor"));
  await pair.start();
  const { lan, router, concentrator, server } = stage.topology;
  progress(`standing until Ctrl-C. Configurations and sockets: ${pair.folder}`);
  for (const { name } of [lan, router, concentrator, server]) progress(`  ip netns exec ${name} bash`);
  progress(`  node_modules/.bin/wanbond status --socket ${pair.client.controlSocket}`);
  return new Promise(() => setInterval(() => undefined, 60_000));
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = EX_USAGE;
}
