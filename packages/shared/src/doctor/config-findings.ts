import type { ConfigError } from "../config/index.ts";
import type { Finding } from "./finding.ts";

/** Every fault of a configuration as a finding: nothing else can be looked at before it is mended. */
export function configFindings({ faults, file }: ConfigError): Finding[] {
  return faults.map(({ key, place, problem, remedy }) => ({
    check: "configuration",
    uplink: null,
    severity: "fault",
    found: `${place === null ? file : `${file}:${place}`}: ${key === "" ? "" : `${key} `}${problem}`,
    mend: remedy,
  }));
}
