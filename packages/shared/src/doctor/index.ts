export { concludeDoctor, type DoctorOptions, type DoctorOutput } from "./conclude.ts";
export { configFindings } from "./config-findings.ts";
export { diagnose } from "./diagnose.ts";
export type { DoctorFacts, HostFacts, Plan, ProgramFacts } from "./facts.ts";
export type { Finding, Severity } from "./finding.ts";
export { gatherHost } from "./gather-host.ts";
export { readProgram } from "./program-facts.ts";
