import { readFileSync } from "node:fs";
import type { LabResult } from "./result.ts";
import { rowsOf } from "./values.ts";

/** Reads results of --json and makes one of them: cases that are in several have all their rounds counted together. */
export function readResults(fileNames: readonly string[]): LabResult {
  const results = fileNames.map((name): LabResult => JSON.parse(readFileSync(name, "utf8")));
  const [first] = results;
  if (first === undefined) throw new RangeError("no results");
  const alone = results.flatMap((result) => result.alone);
  const runs = results.flatMap((result) => result.runs);
  const scenarios = new Map(results.flatMap((result) => result.scenarios).map((scenario) => [scenario.name, scenario]));
  const rows = rowsOf({ alone, runs });
  return {
    ...first,
    lines: results.map(({ lines }) => lines).reduce(linesTogether),
    complete: results.every(({ complete }) => complete),
    rounds: Math.max(0, ...rows.map(({ rounds }) => rounds)),
    scenarios: [...scenarios.values()],
    alone,
    runs,
    rows,
  };
}

/** What the lines of two measurements were. */
export function linesTogether(a: LabResult["lines"], b: LabResult["lines"]): LabResult["lines"] {
  return a === null || a === b ? b : b === null ? a : "both";
}
