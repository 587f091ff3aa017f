/** `npm run lab`: real programs, real traffic, emulated lines. See HELP in options.ts. */
import { EX_NOPERM, EX_USAGE } from "../../packages/shared/src/errors.ts";
import { isRoot } from "../support/netns.ts";
import { preparePair } from "../support/programs.ts";
import { readResults } from "./merge.ts";
import { HELP, type LabOptions, listNames, parseOptions, UsageError } from "./options.ts";
import { renderReport } from "./report.ts";
import type { LabResult } from "./result.ts";
import { LabRun } from "./runner.ts";
import { pairOptions, type Stage } from "./stage.ts";

const startMs = performance.now();

function progress(text: string): void {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.error(`[${String(seconds).padStart(4)} s] ${text}`);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help" || options === "list") {
    console.log(options === "help" ? `${HELP}\n${listNames()}` : listNames());
    return 0;
  }
  if (options.from.length > 0) {
    print(options, readResults(options.from));
    return 0;
  }
  if (!isRoot()) {
    console.error("The lab makes network namespaces, which needs root: run `sudo npm run lab`.");
    return EX_NOPERM;
  }
  return runLab(options);
}

async function runLab(options: LabOptions): Promise<number> {
  const lab = new LabRun(options, progress);
  let isPrinted = false;
  const printOnce = () => {
    if (!isPrinted) print(options, lab.result);
    isPrinted = true;
  };
  // Ahead of those of the namespaces, which remove everything and exit.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, printOnce);
  try {
    await lab.run(async (stage) => {
      if (!options.keep) return;
      printOnce();
      await keepStanding(stage, options);
    });
  } finally {
    printOnce();
  }
  return lab.result.runs.every(({ error }) => error === null) ? 0 : 1;
}

function print({ json, markdown }: LabOptions, result: LabResult): void {
  console.log(json ? JSON.stringify(result, null, 2) : `\n${renderReport(result, markdown)}`);
}

/** Starts the last bond again and waits; Ctrl-C removes everything. */
async function keepStanding(stage: Stage, { policies }: LabOptions): Promise<never> {
  const pair = await preparePair(stage.topology, pairOptions(policies.at(-1) ?? ""));
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
