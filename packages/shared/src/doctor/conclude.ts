import { WanbondError } from "../errors.ts";
import type { Finding } from "./finding.ts";
import { countOf, type Report, reportJson, reportText } from "./report.ts";

/** What `wanbond doctor` is told. */
export interface DoctorOptions {
  readonly configPath: string;
  readonly json: boolean;
  /** Names; empty: all. */
  readonly uplinks: readonly string[];
  /** For each uplink and direction; 0: capacity is not measured. */
  readonly capacityBytes: number;
}

/** Where a doctor writes to. */
export interface DoctorOutput {
  out(text: string): void;
  /** For people who wait. */
  progress(text: string): void;
}

/** As grep and diff do: it ran well, and what it looked for is there. */
const EXIT_FAULTS = 1;

/** Writes the report. @throws WanbondError when there is a fault in it, so that scripts see it. */
export function concludeDoctor(output: DoctorOutput, report: Report, json: boolean): void {
  output.out(json ? reportJson(report) : reportText(report));
  const faults = countOf(report.findings, "fault");
  if (faults === 0) return;
  const named = report.findings.filter(({ severity }) => severity === "fault").map(placeOf);
  throw new WanbondError("WB_FAULTS_FOUND", EXIT_FAULTS, `Faults were found: ${named.join(", ")}.`);
}

function placeOf({ check, uplink }: Finding): string {
  return uplink === null ? check : `${check} of ${uplink}`;
}
