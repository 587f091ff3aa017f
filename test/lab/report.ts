import type { AloneResult, Case, LabResult, Row } from "./result.ts";
import { type Column, MISSING, mbit, ms, percent, SECTIONS } from "./sections.ts";

type Render = typeof renderTable;

/** The lab's result as a text for people. @param isMarkdown tables are Markdown's. */
export function renderReport(result: LabResult, isMarkdown = false): string {
  const { rows, alone, complete } = result;
  const render = isMarkdown ? renderMarkdown : renderTable;
  const labels = labelsOf(rows);
  const sections = [
    section("Each line alone (routed, without wanbond; all at once)", aloneTable(render, alone)),
    ...SECTIONS.map(({ title, columns }) => section(title, valueTable(render, rows, labels, columns))),
    ...rows.flatMap((row) => row.errors.map((error) => renderError(row, error))),
  ];
  const end = complete ? [] : ["Interrupted: this is what was measured by then."];
  return [head(result), ...sections.filter((text) => text !== ""), ...end].join("\n\n");
}

function head({ scenarios, lines, seconds, warmUpSeconds, rounds }: LabResult): string {
  const how = {
    netem: "the kernel's netem",
    emulator: "wanbond's emulator",
    both: "the kernel's netem, sets with lines that reorder by wanbond's emulator",
  }[lines ?? "emulator"];
  const times = rounds === 1 ? "" : `, medians of ${rounds} rounds`;
  return [
    ...scenarios.map(({ name, description }) => `wanbond lab: ${name}: ${description}`),
    `lines by ${how}, ${seconds} s per figure after ${warmUpSeconds} s that do not count${times}`,
  ].join("\n");
}

/** What tells the cases apart: the policy, and whatever else is not the same in all of them. */
function labelsOf(rows: readonly Row[]): Column[] {
  const label = (title: string, key: keyof Case): Column[] => {
    const differs = new Set(rows.map((row) => row[key])).size > 1;
    return differs || key === "policy" ? [{ title, cell: (row) => row[key] }] : [];
  };
  return [
    ...label("scenario", "scenario"),
    ...label("policy", "policy"),
    ...label("TCP", "congestionControl"),
    ...label("way", "direction"),
  ];
}

/** Without rows and columns that nothing is known of. */
function valueTable(
  render: Render,
  rows: readonly Row[],
  labels: readonly Column[],
  columns: readonly Column[],
): string {
  const hasContent = ({ cell }: Column, row: Row) => !["", MISSING].includes(cell(row));
  const filled = rows.filter((row) => columns.some((column) => hasContent(column, row)));
  const shown = columns.filter((column) => filled.some((row) => hasContent(column, row)));
  if (filled.length === 0) return "";
  const all = [...labels, ...shown];
  return render(
    all.map(({ title }) => title),
    filled.map((row) => all.map(({ cell }) => cell(row))),
    labels.length,
  );
}

function aloneTable(render: Render, alone: readonly AloneResult[]): string {
  if (alone.length === 0) return "";
  const header = ["scenario", "line", "TCP", "way", "Mbit/s", "delay", "1 TCP", "share", "ping idle", "p50 / p95"];
  const rows = alone.map(({ tcp, idle, loaded, ...line }) => [
    line.scenario,
    line.name,
    line.congestionControl,
    line.direction,
    `${mbit(line.downKbps)} / ${mbit(line.upKbps)}`,
    ms(line.delayMs),
    mbit(tcp.goodputKbps),
    percent(tcp.goodputKbps / tcp.limitKbps),
    known(idle.p50Ms),
    `${known(loaded.p50Ms)} / ${known(loaded.p95Ms)}`,
  ]);
  return render(header, rows, 4);
}

/** Enough of a program's log to see what is wrong; --json has all of it. */
const ERROR_LINES = 12;

function renderError({ scenario, policy }: Row, error: string): string {
  const lines = error.split("\n").filter((line) => line.trim() !== "");
  return `${scenario}, ${policy}: not measured in full: ${lines.slice(0, ERROR_LINES).join("\n  ")}`;
}

function section(title: string, table: string): string {
  return table === "" ? "" : `${title}\n${table.startsWith("|") ? "\n" : ""}${table}`;
}

function known(valueMs: number | null): string {
  return valueMs === null ? MISSING : ms(valueMs);
}

/** Words to the left, figures to the right, two spaces between. @param wordColumns at the left. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[], wordColumns = 1): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const render = (row: readonly string[]) =>
    row.map((cell, column) =>
      column < wordColumns ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
  const rule = widths.map((width) => "─".repeat(width));
  return [render(header), rule, ...rows.map(render)].map((row) => row.join("  ")).join("\n");
}

function renderMarkdown(header: readonly string[], rows: readonly (readonly string[])[], wordColumns = 1): string {
  const rule = header.map((_, column) => (column < wordColumns ? "---" : "--:"));
  return [header, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}
