/** What is not known, in a table. */
export const UNKNOWN = "-";

/** One column of a table: its heading and the text of a row. Numbers stand right, words left. */
export interface Column<Row> {
  readonly title: string;
  readonly align: "left" | "right";
  readonly text: (row: Row) => string;
}

/** The rows under their headings. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.text(row))));
  const alignment = columns.map((column) => column.align);
  return grid([columns.map((column) => column.title), ...cells], alignment);
}

/** Rows of cells under each other, two spaces between them, none at line ends. */
export function grid(rows: readonly (readonly string[])[], alignment: readonly ("left" | "right")[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (alignment[at] === "right" ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)));
  return rows.map((row) => `${`  ${line(row).join("  ")}`.trimEnd()}\n`).join("");
}

/** Names come from the far end: control characters must not reach a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
}

export function decimals(value: number | null, digits: number): string {
  return value === null ? UNKNOWN : value.toFixed(digits);
}

export function mbit(kbps: number | null): string {
  return kbps === null ? UNKNOWN : (kbps / 1000).toFixed(kbps >= 100_000 ? 0 : 2);
}

export function kilobytes(bytes: number | null): string {
  return decimals(bytes === null ? null : bytes / 1000, 0);
}

/** `3 d 04:05:06` or `04:05:06`. */
export function durationText(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return seconds >= 86_400 ? `${Math.floor(seconds / 86_400)} d ${clock}` : clock;
}
