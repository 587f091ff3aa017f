import { parseArgs } from "node:util";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

const POLICIES = ["aggregate", "balance-xor", "balance-rr", "active-backup", "broadcast"] as const;

export interface LabOptions {
  readonly scenario: Scenario;
  readonly policies: readonly string[];
  readonly direction: "down" | "up";
  readonly congestionControl: "cubic" | "bbr";
  /** Per figure. */
  readonly seconds: number;
  readonly json: boolean;
  /** Leave everything standing at the end, until Ctrl-C. */
  readonly keep: boolean;
}

/** The operator's fault: shown as its message alone. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const HELP = `Usage: npm run lab -- [SCENARIO] [options]

Builds a household with several internet lines out of network namespaces, starts a wanbond client and concentrator
in it and measures real traffic: each line alone, then the bond under several policies. Needs root. Everything is
removed at the end, also after Ctrl-C.

  SCENARIO            one of those below (default: equal3)
  --policy NAME,...   the policies to measure (default: ${POLICIES.join(",")})
  --direction DIR     down or up (default: down)
  --tcp NAME          congestion control: cubic or bbr (default: cubic)
  --seconds N         length of every figure, at least 3 (default: 8)
  --json              the result as JSON on stdout
  --keep              leave the last bond standing until Ctrl-C, to look around in it
  --list              the scenarios
  --help              this text
`;

export function listScenarios(): string {
  return SCENARIOS.map(({ name, description }) => `${name.padEnd(12)}${description}`).join("\n");
}

/** @throws UsageError */
export function parseOptions(parameters: readonly string[]): LabOptions | "help" | "list" {
  const { values, positionals } = parseOrThrow(parameters);
  if (values.help) return "help";
  if (values.list) return "list";
  if (positionals.length > 1) throw new UsageError("One scenario at a time, please.");
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 3) throw new UsageError("--seconds takes a whole number from 3.");
  return {
    scenario: scenarioNamed(positionals[0] ?? "equal3"),
    policies: values.policy === undefined ? POLICIES : values.policy.split(","),
    direction: oneOf("--direction", values.direction, ["down", "up"]),
    congestionControl: oneOf("--tcp", values.tcp, ["cubic", "bbr"]),
    seconds,
    json: values.json,
    keep: values.keep,
  };
}

function parseOrThrow(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        policy: { type: "string" },
        direction: { type: "string", default: "down" },
        tcp: { type: "string", default: "cubic" },
        seconds: { type: "string", default: "8" },
        json: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error)); // An unknown option.
  }
}

function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new UsageError(`There is no scenario "${name}". There are:\n${listScenarios()}`);
  return scenario;
}

function oneOf<const T extends string>(option: string, value: string, words: readonly T[]): T {
  const word = words.find((each) => each === value);
  if (word === undefined) throw new UsageError(`${option} takes ${words.join(" or ")}, not "${value}".`);
  return word;
}
