/** `npm run bench`: what wanbond costs and how fast it is, beside others. See HELP in options.ts. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { EX_NOPERM, EX_USAGE } from "../../packages/shared/src/errors.ts";
import { UsageError } from "../lab/options.ts";
import { execute, isRoot } from "../support/netns.ts";
import { CodeFigures } from "./code-figures.ts";
import { DOCUMENT, FORMATTER, keepBonding, renderDocument } from "./document.ts";
import { type BenchOptions, HELP, listNames, type Part, parseOptions } from "./options.ts";
import { bareNodeBytes } from "./process-figures.ts";
import { renderText } from "./report.ts";
import type { BenchResult } from "./result.ts";
import { takeTurns } from "./take-turns.ts";

const NEEDS_ROOT: readonly Part[] = ["tcp", "udp", "ping"];
const startMs = performance.now();

function progress(text: string): void {
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.error(`[${String(seconds).padStart(3)} s] ${text}`);
}

async function main(parameters: readonly string[]): Promise<number> {
  const options = parseOptions(parameters);
  if (options === "help" || options === "list") {
    console.log(options === "help" ? `${HELP}\n${listNames()}` : listNames());
    return 0;
  }
  if (NEEDS_ROOT.some((part) => options.parts.has(part)) && !isRoot()) {
    console.error(
      "The tunnels need root: run `sudo npm run bench`, or `npm run bench -- --only policy,stages,x25519`.",
    );
    return EX_NOPERM;
  }
  const result = await measure(options, ["npm run bench --", ...parameters].join(" "));
  console.log(options.json ? JSON.stringify(result, null, 2) : `\n${renderText(result)}`);
  if (options.doc) await writeDocument(result);
  return result.errors.length === 0 && result.tunnels.every(({ errors }) => errors.length === 0) ? 0 : 1;
}

async function writeDocument(result: BenchResult): Promise<void> {
  writeFileSync(DOCUMENT, keepBonding(renderDocument(result), readFileSync(DOCUMENT, "utf8")));
  await execute([FORMATTER, "format", "--write", DOCUMENT]);
}

async function measure(options: BenchOptions, command: string): Promise<BenchResult> {
  const { parts, seconds, rounds } = options;
  const code = await CodeFigures.prepare(seconds);
  const of = async <T>(part: Part, figures: () => Promise<T[]>): Promise<T[]> => {
    if (!parts.has(part)) return [];
    progress(`the code alone: ${part}`);
    return figures();
  };
  const errors: string[] = [];
  const failed = (what: string, error: unknown) => {
    errors.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  };
  const policies = await of("policy", () => code.policies(failed));
  const stages = await of("stages", () => code.stages());
  const x25519 = await of("x25519", () => code.x25519());
  code.remove();
  const withTunnels = NEEDS_ROOT.some((part) => parts.has(part));
  const tunnels = withTunnels ? await takeTurns(options, progress) : [];
  const node = withTunnels ? await bareNodeBytes() : null;
  const machine = {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    node: process.version,
  };
  return { command, machine, seconds, rounds, tunnels, policies, stages, x25519, errors, bareNodeBytes: node };
}

// What was started is ended, and what was made removed, by hooks at exit.
for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.once(signal, () => process.exit(status));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = EX_USAGE;
}
