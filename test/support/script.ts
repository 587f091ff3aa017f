import { fileURLToPath } from "node:url";

const LOADER = new URL("../../node_modules/tsx/dist/loader.mjs", import.meta.url).href;

/** The command that runs a TypeScript file of this folder in a process of its own, from any working directory. */
export function scriptCommand(fileName: string, ...parameters: readonly string[]): string[] {
  const file = fileURLToPath(new URL(fileName, import.meta.url));
  return [process.execPath, "--import", LOADER, file, ...parameters];
}

/** Milliseconds of CLOCK_MONOTONIC: the same in every process and namespace of this machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
