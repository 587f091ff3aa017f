import { existsSync } from "node:fs";
import type { Argv } from "yargs";
import { ConfigError, checkConfigFile } from "../config/index.ts";
import { MAX_CAPACITY_BYTES } from "../control/index.ts";
import { concludeDoctor, configFindings, type DoctorOptions, type DoctorOutput } from "../doctor/index.ts";
import { EX_USAGE, WanbondError } from "../errors.ts";
import type { Shell } from "./shell.ts";

/** Where the packages put them. */
const USUAL_FILES: readonly string[] = ["/etc/wanbond/client.toml", "/etc/wanbond/concentrator.toml"];
/** For each uplink and direction: a second of 100 Mbit/s, and what finds it. */
const CAPACITY_BYTES = 16_000_000;
const LEAST_CAPACITY_BYTES = 100_000;

interface DoctorArguments {
  readonly config: string | undefined;
  readonly json: boolean;
  readonly uplink: string | undefined;
  readonly capacity: boolean;
  readonly capacityBytes: number;
}

export function doctorCommands(parser: Argv, shell: Shell): Argv {
  return parser.command(
    "doctor",
    "Find what is wrong: this machine, every uplink, the other end; exit status 1 when there is a fault",
    (command) =>
      command
        .option("config", {
          type: "string",
          requiresArg: true,
          describe: `Configuration file of a client or a concentrator [default: ${USUAL_FILES.join(" or ")}]`,
        })
        .option("json", { type: "boolean", default: false, describe: "Print JSON, with the figures" })
        .option("uplink", { type: "string", requiresArg: true, describe: "These uplinks only, separated by commas" })
        .option("capacity", {
          type: "boolean",
          default: true,
          describe: "Measure what each line carries; --no-capacity saves its bytes (never on metered lines)",
        })
        .option("capacity-bytes", {
          type: "number",
          default: CAPACITY_BYTES,
          requiresArg: true,
          describe: "How many bytes that may take, for each line and direction",
        })
        .check(
          ({ "capacity-bytes": bytes }) =>
            (Number.isInteger(bytes) && bytes >= LEAST_CAPACITY_BYTES && bytes <= MAX_CAPACITY_BYTES) ||
            `--capacity-bytes is a number from ${LEAST_CAPACITY_BYTES} to ${MAX_CAPACITY_BYTES}.`,
        )
        .example("wanbond doctor", "Look at everything, in about a minute")
        .example("wanbond doctor --uplink lte --no-capacity", "One line, without using it much")
        .example("wanbond doctor --json | jq '.findings[] | select(.severity == \"fault\")'", "For scripts"),
    (given) => doctor(shell, given),
  );
}

async function doctor(shell: Shell, given: DoctorArguments): Promise<void> {
  const options: DoctorOptions = {
    configPath: given.config ?? usualFile(),
    json: given.json,
    uplinks: (given.uplink ?? "").split(",").filter((name) => name !== ""),
    capacityBytes: given.capacity ? given.capacityBytes : 0,
  };
  const output: DoctorOutput = { out: shell.out, progress: given.json ? () => {} : shell.error };
  const role = roleOf(options, output);
  await (role === "client" ? shell.doctorClient : shell.doctorConcentrator)(options, output);
}

/** A file with faults is all there is to be said, in the form of a report. */
function roleOf({ configPath, json }: DoctorOptions, output: DoctorOutput): "client" | "concentrator" {
  try {
    return checkConfigFile(configPath).role;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    concludeDoctor(output, { role: null, findings: configFindings(error), lines: null }, json);
    throw error;
  }
}

function usualFile(): string {
  const found = USUAL_FILES.filter((file) => existsSync(file));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const what = first === undefined ? "There is no configuration in /etc/wanbond" : `There are ${found.join(" and ")}`;
  throw new WanbondError("WB_USAGE", EX_USAGE, `${what}. Name one: wanbond doctor --config FILE`);
}
