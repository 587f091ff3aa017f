import type { LineMeasurement } from "../control/index.ts";
import { type Finding, SEVERITIES, type Severity } from "./finding.ts";

/** Version of the JSON; it rises when a key is taken away or changes its meaning. */
const REPORT_VERSION = 1;
const MARKS: Readonly<Record<Severity, string>> = { ok: "ok", note: "note", warning: "WARNING", fault: "FAULT" };
/** Width of the marks with a gap behind. */
const MARK_WIDTH = 9;
const INDENT = "  ";

/** What a doctor has to say. */
export interface Report {
  /** null: the file that would tell has faults. */
  readonly role: "client" | "concentrator" | null;
  readonly findings: readonly Finding[];
  /** null: nothing was measured. */
  readonly lines: readonly LineMeasurement[] | null;
}

export function countOf(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

/** One JSON object: findings, counts, and the figures they come from. */
export function reportJson({ role, findings, lines }: Report): string {
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, countOf(findings, severity)]));
  return `${JSON.stringify({ version: REPORT_VERSION, role, counts, findings, uplinks: lines })}\n`;
}

/** A heading for the host and each uplink, a line for each finding, below it what mends it. */
export function reportText({ findings, role }: Report): string {
  const uplinks = [...new Set(findings.map(({ uplink }) => uplink).filter((name) => name !== null))];
  const host = findings.filter(({ uplink }) => uplink === null);
  const sections = [
    section(role === null ? "the configuration" : `this machine (${role})`, host),
    ...uplinks.map((name) =>
      section(
        `uplink ${name}`,
        findings.filter(({ uplink }) => uplink === name),
      ),
    ),
  ];
  return `${sections.join("\n")}\n${summary(findings)}\n`;
}

function section(title: string, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, severity, found, mend }) => {
    const head = `${INDENT}${MARKS[severity].padEnd(MARK_WIDTH)}${check.padEnd(width + 2)}`;
    const text = `${head}${printable(found)}\n`;
    return mend === null || severity === "ok" ? [text] : [text, `${" ".repeat(head.length)}-> ${printable(mend)}\n`];
  });
  return `${title}\n${lines.join("")}`;
}

function summary(findings: readonly Finding[]): string {
  const counted = (severity: Severity, word: string) => {
    const count = countOf(findings, severity);
    return `${count} ${word}${count === 1 ? "" : "s"}`;
  };
  return `${counted("fault", "fault")}, ${counted("warning", "warning")}, ${counted("note", "note")}, ${countOf(findings, "ok")} ok`;
}

/** Names and addresses come from files and from the far end: control characters must not reach a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?");
}
