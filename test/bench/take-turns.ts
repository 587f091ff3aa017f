import { execute } from "../support/netns.ts";
import { measureTunnel } from "./measure-tunnel.ts";
import type { BenchOptions } from "./options.ts";
import type { TunnelResult, TunnelSample } from "./result.ts";
import { buildStage, type Stage } from "./stage.ts";
import type { Tunnel } from "./tunnel.ts";

/** Roughly: of one turn, beside its figures. */
const STARTING_SECONDS = 9;
const FIGURES = 5;

interface Record {
  readonly tunnel: Tunnel;
  readonly version: string | null;
  readonly skipped: string | null;
  readonly samples: TunnelSample[];
  readonly errors: string[];
}

/**
 * Measures the tunnels in turn, round by round and every second round backwards, so that what the machine does beside
 * it, and how warm it is, falls on all of them alike.
 */
export async function takeTurns(options: BenchOptions, progress: (text: string) => void): Promise<TunnelResult[]> {
  const records = await Promise.all(options.tunnels.map(makeRecord));
  for (const { tunnel, skipped } of records) if (skipped !== null) progress(`${tunnel.name} is left out: ${skipped}`);
  const present = records.filter(({ skipped }) => skipped === null);
  const minutes = (present.length * options.rounds * (STARTING_SECONDS + FIGURES * options.seconds)) / 60;
  progress(`${present.length} tunnels take turns, which takes about ${Math.ceil(minutes)} minutes`);
  const stage = await buildStage(progress);
  for (let round = 1; round <= options.rounds; round++) {
    for (const record of round % 2 === 1 ? present : present.toReversed()) {
      progress(`round ${round} of ${options.rounds}: ${record.tunnel.name}`);
      await takeTurn(stage, options, record);
    }
  }
  stage.remove();
  return records.map(({ tunnel: { name, description }, ...measured }) => ({ name, description, ...measured }));
}

async function makeRecord(tunnel: Tunnel): Promise<Record> {
  const missing: string[] = [];
  for (const program of tunnel.programs) if (!(await isInstalled(program))) missing.push(program);
  const skipped = missing.length === 0 ? null : `${missing.join(" and ")} not installed`;
  const version = skipped === null ? await versionOf(tunnel.versionOf) : null;
  return { tunnel, version, skipped, samples: [], errors: [] };
}

async function versionOf(program: string | undefined): Promise<string | null> {
  if (program === undefined) return null;
  const output = await execute([program, "--version"], { accept: [0, 1] });
  return /\d+(\.\d+)*/.exec(output)?.[0] ?? null;
}

async function isInstalled(program: string): Promise<boolean> {
  return (await execute(["sh", "-c", `command -v ${program} || true`])) !== "";
}

/** A tunnel that fails costs its own figures only. */
async function takeTurn(
  stage: Stage,
  { parts, seconds }: BenchOptions,
  { tunnel, samples, errors }: Record,
): Promise<void> {
  const failed = (what: string, error: unknown) => {
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    errors.push(message);
    stage.progress(`${tunnel.name}: ${message}`);
  };
  try {
    const running = await tunnel.start(stage);
    try {
      samples.push(await measureTunnel({ stage, tunnel: running, parts, seconds, failed }));
    } finally {
      await running.stop();
    }
  } catch (error) {
    failed("start", error);
  }
}
