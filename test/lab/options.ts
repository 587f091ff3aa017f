import { parseArgs } from "node:util";
import { STANDARD_POLICIES } from "../../packages/shared/src/bond/index.ts";
import { FIGURE_DESCRIPTIONS, FIGURES, type Figure } from "./figures.ts";
import type { CongestionControl, Direction } from "./result.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { shareToReach } from "./targets.ts";

export interface LabOptions {
  readonly scenarios: readonly Scenario[];
  readonly policies: readonly string[];
  readonly directions: readonly Direction[];
  readonly congestionControls: readonly CongestionControl[];
  readonly figures: ReadonlySet<Figure>;
  /** Every case is measured this often, in turn with the others of its scenario and policy. */
  readonly rounds: number;
  /** Per figure, after the warm-up. */
  readonly seconds: number;
  /** Slow start does not count. */
  readonly warmUpSeconds: number;
  /** Whether ISPs and concentrator translate addresses; else they route, as a kernel without NAT has to. */
  readonly nat: boolean;
  readonly json: boolean;
  /** Tables as Markdown has them. */
  readonly markdown: boolean;
  /** Results of earlier runs to show together, in place of measuring. */
  readonly from: readonly string[];
  /** Leave everything standing at the end, until Ctrl-C. */
  readonly keep: boolean;
}

/** The operator's fault: shown as its message alone. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const HELP = `Usage: npm run lab -- [SCENARIO,...] [options]

Builds a household with several internet lines out of network namespaces, starts a wanbond client and concentrator
in it and measures real traffic: each line alone, then the bond. Needs root. Everything is removed at the end, also
after Ctrl-C, which still prints what was measured by then.

  SCENARIO,...        of those below, or "all" that have a figure to reach (default: equal3)
  --policy NAME,...   policies to measure (default: aggregate)
  --tcp NAME,...      congestion control: cubic, bbr (default: cubic)
  --direction DIR,... down, up (default: down)
  --figures NAME,...  of those below, or "all" (default: ping,one-tcp, and with one scenario alone,eight-tcp,udp,cut)
  --rounds N          measure everything N times: medians, with the range (default: 1)
  --seconds N         length of every figure, at least 3 (default: 12)
  --warmup N          seconds of every connection that do not count before them (default: 3)
  --no-nat            ISPs and concentrator route, for kernels that cannot translate addresses
  --json              the result as JSON on stdout
  --markdown          tables as Markdown has them
  --from FILE,...     measures nothing: shows results of --json together, rounds of the same case counted as one
  --keep              leave the last bond standing until Ctrl-C, to look around in it
  --list              the scenarios and the figures
  --help              this text
`;

export function listNames(): string {
  const scenarios = SCENARIOS.map(({ name, description }) => `  ${name.padEnd(14)}${description}`);
  const figures = FIGURES.map((name) => `  ${name.padEnd(14)}${FIGURE_DESCRIPTIONS[name]}`);
  return ["Scenarios", ...scenarios, "", "Figures", ...figures].join("\n");
}

/** @throws UsageError */
export function parseOptions(parameters: readonly string[]): LabOptions | "help" | "list" {
  const { values, positionals } = parseOrThrow(parameters);
  if (values.help) return "help";
  if (values.list) return "list";
  const names = positionals.length === 0 ? ["equal3"] : positionals.flatMap((word) => word.split(","));
  const scenarios = names.includes("all") ? SCENARIOS.filter(hasTarget) : names.map(scenarioNamed);
  const words = { policies: STANDARD_POLICIES, directions: ["down", "up"], controls: ["cubic", "bbr"] } as const;
  return {
    scenarios,
    policies: someOf("--policy", values.policy, words.policies),
    directions: someOf("--direction", values.direction, words.directions),
    congestionControls: someOf("--tcp", values.tcp, words.controls),
    figures: figuresOf(values.figures, scenarios.length === 1),
    rounds: wholeNumber("--rounds", values.rounds, 1),
    seconds: wholeNumber("--seconds", values.seconds, 3),
    warmUpSeconds: wholeNumber("--warmup", values.warmup, 0),
    nat: !values["no-nat"],
    json: values.json,
    markdown: values.markdown,
    from: values.from?.split(",") ?? [],
    keep: values.keep,
  };
}

function parseOrThrow(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: {
        policy: { type: "string", default: "aggregate" },
        direction: { type: "string", default: "down" },
        tcp: { type: "string", default: "cubic" },
        figures: { type: "string" },
        rounds: { type: "string", default: "1" },
        seconds: { type: "string", default: "12" },
        warmup: { type: "string", default: "3" },
        "no-nat": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        markdown: { type: "boolean", default: false },
        from: { type: "string" },
        keep: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error)); // An unknown option.
  }
}

export function scenarioNamed(name: string): Scenario {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new UsageError(`There is no scenario "${name}".\n${listNames()}`);
  return scenario;
}

function hasTarget(scenario: Scenario): boolean {
  return shareToReach(scenario) !== null;
}

function figuresOf(list: string | undefined, isOneScenario: boolean): ReadonlySet<Figure> {
  if (list === "all") return new Set(FIGURES);
  if (list !== undefined) return new Set(someOf("--figures", list, FIGURES));
  return new Set(isOneScenario ? ["alone", "ping", "one-tcp", "eight-tcp", "udp", "cut"] : ["ping", "one-tcp"]);
}

/** @returns the words of a list, in the order in which they are known. */
function someOf<const T extends string>(option: string, list: string, words: readonly T[]): T[] {
  const wanted = list.split(",");
  const unknown = wanted.find((word) => !words.some((each) => each === word));
  if (unknown !== undefined) throw new UsageError(`${option} takes ${words.join(", ")}, not "${unknown}".`);
  return words.filter((word) => wanted.includes(word));
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new UsageError(`${option} takes a whole number from ${least}, not "${text}".`);
  return value;
}
