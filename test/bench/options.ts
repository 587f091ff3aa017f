import { parseArgs } from "node:util";
import { UsageError } from "../lab/options.ts";
import type { Tunnel } from "./tunnel.ts";
import { TUNNELS } from "./tunnels.ts";

const PARTS = ["tcp", "udp", "ping", "policy", "stages", "x25519"] as const;
export type Part = (typeof PARTS)[number];

const PART_DESCRIPTIONS: Record<Part, string> = {
  tcp: "one and eight TCP connections through each tunnel, with its processor time",
  udp: "packets of 64 bytes through each tunnel",
  ping: "round trips through each quiet tunnel",
  policy: "the packet loop's own cost per frame under each bond policy",
  stages: "its steps one by one",
  x25519: "a handshake's arithmetic in two implementations",
};

export interface BenchOptions {
  readonly parts: ReadonlySet<Part>;
  readonly tunnels: readonly Tunnel[];
  /** Per figure and round. */
  readonly seconds: number;
  /** Every tunnel is measured this often, in turn. */
  readonly rounds: number;
  readonly json: boolean;
  /** Write docs/benchmarks.md. */
  readonly doc: boolean;
}

export const HELP = `Usage: npm run bench -- [options]

Measures wanbond beside the plain link and other tunnels between two network namespaces, and its code alone. Tunnels of
others count when they are installed. Tunnels need root, the rest does not. Everything is removed at the end, also after
Ctrl-C.

  --only NAME,...     some parts, some tunnels, or some of both (default: all)
  --seconds N         length of every figure in every round (default: 3)
  --rounds N          how often the tunnels take turns (default: 3)
  --json              the result as JSON on stdout
  --doc               write docs/benchmarks.md
  --list              the parts and the tunnels
  --help              this text
`;

export function listNames(): string {
  const parts = PARTS.map((part) => `  ${part.padEnd(16)}${PART_DESCRIPTIONS[part]}`);
  const tunnels = TUNNELS.map(({ name, description }) => `  ${name.padEnd(16)}${description}`);
  return ["Parts", ...parts, "Tunnels", ...tunnels].join("\n");
}

/** @throws UsageError */
export function parseOptions(parameters: readonly string[]): BenchOptions | "help" | "list" {
  const values = parseOrThrow(parameters);
  if (values.help) return "help";
  if (values.list) return "list";
  return {
    ...chosen(values.only?.split(",") ?? []),
    seconds: wholeNumber("--seconds", values.seconds),
    rounds: wholeNumber("--rounds", values.rounds),
    json: values.json,
    doc: values.doc,
  };
}

function parseOrThrow(parameters: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...parameters],
      options: {
        only: { type: "string" },
        seconds: { type: "string", default: "3" },
        rounds: { type: "string", default: "3" },
        json: { type: "boolean", default: false },
        doc: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false, short: "h" },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error)); // An unknown option.
  }
}

/** Naming a tunnel chooses the parts about tunnels; naming a part alone leaves all tunnels in. */
function chosen(names: readonly string[]): Pick<BenchOptions, "parts" | "tunnels"> {
  const parts = PARTS.filter((part) => names.includes(part));
  const tunnels = TUNNELS.filter(({ name }) => names.includes(name));
  const known = new Set<string>([...PARTS, ...TUNNELS.map(({ name }) => name)]);
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw new UsageError(`There is no "${unknown}". There are:\n${listNames()}`);
  const aboutTunnels: readonly Part[] = tunnels.length > 0 ? ["tcp", "udp", "ping"] : PARTS;
  return {
    parts: new Set(parts.length > 0 ? parts : aboutTunnels),
    tunnels: tunnels.length > 0 ? tunnels : TUNNELS,
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new UsageError(`${option} takes a whole number from 1.`);
  return value;
}
