import { join } from "node:path";
import { type ClientConfig, type ClientKeys, loadClientConfig } from "@wanbond/shared/config";
import { type MeasureAnswer, type MeasureOptions, readMeasurement } from "@wanbond/shared/control";
import {
  concludeDoctor,
  type DoctorOptions,
  type DoctorOutput,
  diagnose,
  gatherHost,
  readProgram,
} from "@wanbond/shared/doctor";
import { EX_USAGE, WanbondError } from "@wanbond/shared/errors";
import { programVersion } from "@wanbond/shared/io";
import { createRunner, type Runner, stateDirectory } from "@wanbond/shared/system";
import { measureWithoutProgram } from "../measure/index.ts";
import { type ResolvedUplink, readUplinkFacts, resolveUplinks } from "../uplink/index.ts";
import { type BondNetworks, clientPlan } from "./client-plan.ts";

type LoadedClient = { readonly config: ClientConfig; readonly keys: ClientKeys };

/** What came of measuring: a client that runs does it itself, else a short session of the doctor's own. */
interface Measured {
  readonly answer: MeasureAnswer | null;
  readonly unmeasured: string | null;
  readonly bond: BondNetworks;
}

/**
 * `wanbond doctor` with a client's file: looks at this machine, has every uplink measured, and says what is wrong.
 *
 * @throws ConfigError with every fault of the file; WanbondError with status 1 when there is a fault in the report.
 */
export async function doctorClient(options: DoctorOptions, output: DoctorOutput): Promise<void> {
  const loaded = loadClientConfig(options.configPath);
  const { client } = loaded.config;
  const runner = createRunner();
  const directory = client.stateDirectory ?? stateDirectory();
  const socketPath = client.controlSocket ?? join(directory, "client.sock");
  const uplinks = await uplinksOf(runner, loaded);
  requireNames(options.uplinks, uplinks);
  const program = await readProgram(socketPath);
  const places = { configPath: options.configPath, stateDirectories: [...new Set([directory, stateDirectory()])] };
  const known = { addresses: program?.addresses ?? [], routes: [] };
  // Before anything is measured: the doctor's own rules are nobody's leftovers.
  const host = await gatherHost(runner, clientPlan(loaded.config, uplinks, known, places));
  output.progress(`Measuring ${options.uplinks.length || uplinks.length} uplink(s) takes about a minute.\n`);
  const wanted = { uplinks: options.uplinks, capacityBytes: options.capacityBytes };
  const { answer, unmeasured, bond } = await measured(
    program === null
      ? () => measureHere(runner, directory, loaded, wanted)
      : async () => ({ answer: await readMeasurement(socketPath, wanted), unmeasured: null, bond: known }),
  );
  const findings = diagnose({
    plan: clientPlan(loaded.config, uplinks, bond, places),
    host,
    program: program?.facts ?? null,
    lines: answer?.lines ?? null,
    unmeasured,
    session: answer?.session ?? false,
    ownVersion: programVersion().join("."),
  });
  concludeDoctor(output, { role: "client", findings, lines: answer?.lines ?? null }, options.json);
}

async function uplinksOf(runner: Runner, { config }: LoadedClient): Promise<ResolvedUplink[]> {
  return resolveUplinks(config.uplinks, await readUplinkFacts(runner), [config.client.tap], config.otherUplinks);
}

function requireNames(wanted: readonly string[], uplinks: readonly ResolvedUplink[]): void {
  const names = uplinks.map(({ name }) => name);
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  const sentence = `There is no uplink ${unknown.join(", ")}. Uplinks of this client: ${names.join(", ") || "none"}.`;
  throw new WanbondError("WB_USAGE", EX_USAGE, sentence);
}

/** What keeps it from measuring is a finding like others. */
async function measured(measure: () => Promise<Measured>): Promise<Measured> {
  try {
    return await measure();
  } catch (error) {
    if (!(error instanceof WanbondError)) throw error;
    return { answer: null, unmeasured: error.message, bond: { addresses: [], routes: [] } };
  }
}

async function measureHere(
  runner: Runner,
  directory: string,
  loaded: LoadedClient,
  options: MeasureOptions,
): Promise<Measured> {
  const { answer, push } = await measureWithoutProgram(runner, directory, loaded, options);
  return { answer, unmeasured: null, bond: { addresses: push?.addresses ?? [], routes: push?.routes ?? [] } };
}
