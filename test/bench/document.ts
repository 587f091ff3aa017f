import { type Section, sectionsOf, troubles } from "./report.ts";
import type { BenchResult } from "./result.ts";

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

function renderSection({ title, notes, header, rows, wordColumns = 1 }: Section): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = header.map((_, column) => (column < wordColumns ? "---" : "--:"));
  return [`## ${title}`, notes.join(" "), [header, rule, ...rows].map(line).join("\n")].join("\n\n");
}
