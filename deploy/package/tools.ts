import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** A path of the checkout. */
export function inCheckout(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** What one run can use of another: built addons, node's archives. */
export const CACHE = inCheckout("node_modules/.cache/wanbond-package");

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Said when the program is not there. */
  readonly remedy?: string;
}

/** Runs a program to its end, quietly. @returns standard output. @throws Error with what it said when it fails. */
export function run(command: readonly string[], options: RunOptions = {}): string {
  const [program = "", ...parameters] = command;
  const env = { ...process.env, ...options.env };
  const ended = spawnSync(program, parameters, { cwd: options.cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });
  if (ended.error !== undefined) throw new Error(`${program} cannot be run. ${options.remedy ?? ended.error.message}`);
  if (ended.status !== 0) throw new Error(`${command.join(" ")}: status ${ended.status}\n${ended.stderr}`);
  return ended.stdout;
}

/** Whether a program answers to --version. */
export function has(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}
