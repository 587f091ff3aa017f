import { spawn } from "node:child_process";
import type { Namespace } from "./netns.ts";

/** What became of a command. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command inside to its end, whatever that is; killed after 20 s, with status null. */
export function run(namespace: Namespace, command: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn("ip", ["netns", "exec", namespace.name, ...command], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}
