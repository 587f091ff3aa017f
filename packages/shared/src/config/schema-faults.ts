import type * as z from "zod";
import { closestWord } from "./closest-word.ts";
import { valueAt } from "./document.ts";
import type { KeyPath, RawFault } from "./fault.ts";
import { keyText } from "./fault.ts";
import { showValue } from "./fields.ts";

/**
 * The faults a schema finds in a parsed file.
 *
 * @param knownKeys the keys a table may have, for suggestions; an empty list where they are not known.
 */
export function schemaFaults(
  raw: unknown,
  issues: readonly z.core.$ZodIssue[],
  knownKeys: (table: KeyPath) => readonly string[],
): RawFault[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key, knownKeys(path)));
    if (issue.code === "custom") return [{ path, problem: issue.message, remedy: remedyOf(issue.params) }];
    return [shapeFault(path, issue, valueAt(raw, path))];
  });
}

function unknownKey(table: KeyPath, key: string, known: readonly string[]): RawFault {
  const close = closestWord(key, known);
  const list = known.length === 0 ? "" : ` Known here: ${known.join(", ")}.`;
  const remedy = close === null ? `Remove it.${list}` : `Did you mean "${close}"?`;
  return { path: [...table, key], problem: "is not a known key", remedy };
}

/** A table, an array of tables or a list that is missing or is something else. */
function shapeFault(path: KeyPath, issue: z.core.$ZodIssue, value: unknown): RawFault {
  const key = keyText(path);
  if (issue.code === "invalid_type" && issue.expected === "object") {
    const remedy = path.some((part) => typeof part === "number")
      ? `Write it as a table: [[${keyText(path.slice(0, 1))}]].`
      : `Write it as a table: [${key}].`;
    return { path, problem: value === undefined ? "is missing" : "is not a table", remedy };
  }
  if (issue.code === "invalid_type" && issue.expected === "array") {
    const problem = value === undefined ? "is missing" : `is ${showValue(value)}, which is not a list`;
    return { path, problem, remedy: `Write it in brackets: ${String(path.at(-1))} = [...].` };
  }
  if (issue.code === "too_small") return { path, problem: "is empty", remedy: "Give at least one." };
  if (issue.code === "too_big")
    return { path, problem: "has too many elements", remedy: `Give at most ${issue.maximum}.` };
  return { path, problem: `is not valid: ${issue.message}`, remedy: "docs/configuration.md lists what it may be." };
}

function remedyOf(params: Record<string, unknown> | undefined): string {
  const remedy = params?.["remedy"];
  return typeof remedy === "string" ? remedy : "docs/configuration.md lists what it may be.";
}
