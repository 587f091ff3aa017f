import { fileURLToPath } from "node:url";
import { type Section, sectionsOf, troubles } from "./report.ts";
import type { BenchResult } from "./result.ts";

export const DOCUMENT = fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url));
export const FORMATTER = fileURLToPath(new URL("../../node_modules/.bin/biome", import.meta.url));

/** Everything behind this line belongs to `npm run bench:bonding`. */
const BONDING_MARK = "<!-- bench:bonding -->";

/** The document with other tables of `npm run bench:bonding`, the rest as it was. */
export function placeBonding(document: string, tables: string): string {
  const [rest = ""] = document.split(BONDING_MARK);
  return `${rest.trimEnd()}\n\n${BONDING_MARK}\n\n${tables}\n`;
}

/** The document written anew, with the tables of `npm run bench:bonding` as they stood in the one before. */
export function keepBonding(document: string, before: string): string {
  const [, tables] = before.split(BONDING_MARK);
  return tables === undefined ? document : placeBonding(document, tables.trim());
}

/** docs/benchmarks.md: the figures with what they were taken with, and the command that takes them again. */
export function renderDocument(result: BenchResult): string {
  const { processor, cores, kernel, node } = result.machine;
  const missing = troubles(result);
  const parts = [
    "# Benchmarks",
    "Written by the bench itself, to be taken again by",
    `\`\`\`\n${result.command}\n\`\`\``,
    `Processor: ${processor}, ${cores} cores for everything, load generators included. Linux ${kernel}, Node ${node}. ` +
      `${result.seconds} s per figure, medians of ${result.rounds} rounds in which all tunnels take turns. ` +
      "Two network namespaces joined by plain veth pairs, MTU 1500; the programs as a user starts them. " +
      "Figures of one run compare with each other; those of another machine do not.",
    ...sectionsOf(result).map(renderSection),
    ...(missing.length === 0 ? [] : [`## Not measured\n\n${missing.map((line) => `- ${line}`).join("\n")}`]),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function renderSection({ title, notes, header, rows, wordColumns = 1 }: Section): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = header.map((_, column) => (column < wordColumns ? "---" : "--:"));
  const parts = [`## ${title}`, notes.join(" "), [header, rule, ...rows].map(line).join("\n")];
  return parts.filter((part) => part !== "").join("\n\n");
}
