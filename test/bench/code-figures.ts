import { type ChildProcess, execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { STANDARD_POLICIES } from "../../packages/shared/src/bond/index.ts";
import { PACKET_LOOP_FLAG } from "../../packages/shared/src/io/index.ts";
import type { PolicyCost, StageCost, X25519Cost } from "./cost-result.ts";

const BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

/** The figures of cost-main.ts: it is bundled as the product is and run, with its flag, in processes of its own. */
export class CodeFigures {
  readonly #folder = mkdtempSync(join(tmpdir(), "wanbond-bench-cost-"));
  readonly #bundle = join(this.#folder, "cost.mjs");
  readonly #seconds: number;
  #running: ChildProcess | undefined;
  readonly #remove = () => {
    this.#running?.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  };

  private constructor(seconds: number) {
    this.#seconds = seconds;
    process.on("exit", this.#remove);
  }

  static async prepare(seconds: number): Promise<CodeFigures> {
    const figures = new CodeFigures(seconds);
    await build({
      entryPoints: [fileURLToPath(new URL("cost-main.ts", import.meta.url))],
      outfile: figures.#bundle,
      bundle: true,
      platform: "node",
      target: "node20.19",
      format: "esm",
      banner: { js: BANNER },
      logLevel: "warning",
    });
    return figures;
  }

  /** @param failed told of a policy that could not be measured; the others go on. */
  async policies(failed: (what: string, error: unknown) => void): Promise<PolicyCost[]> {
    const costs: PolicyCost[] = [];
    for (const policy of STANDARD_POLICIES) {
      try {
        costs.push(await this.#run("policy", policy));
      } catch (error) {
        failed(policy, error);
      }
    }
    return costs;
  }

  stages(): Promise<StageCost[]> {
    return this.#run("stages");
  }

  x25519(): Promise<X25519Cost[]> {
    return this.#run("x25519");
  }

  remove(): void {
    this.#remove();
    process.off("exit", this.#remove);
  }

  async #run<T>(...parameters: readonly string[]): Promise<T> {
    const command = [PACKET_LOOP_FLAG, this.#bundle, ...parameters, String(this.#seconds)];
    const ended = promisify(execFile)(process.execPath, command);
    this.#running = ended.child;
    let said = "";
    ended.child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    try {
      return JSON.parse((await ended).stdout);
    } catch (error) {
      throw /^Error: .*$/m.test(said) ? new Error(/^Error: (.*)$/m.exec(said)?.[1]) : error;
    }
  }
}
