export { bondStatus, type MemberFacts } from "./bond-status.ts";
export { DeadlineTimer } from "./deadline-timer.ts";
export { warnOfFirewalls } from "./firewall-warning.ts";
export { logForwarderEvent } from "./forwarder-log.ts";
export { memberHistory } from "./member-history.ts";
export { type ProgramContext, type ProgramSettings, type Running, runProgram } from "./program.ts";
export { RepeatedTask } from "./repeated-task.ts";
export { BRIDGED_TAP_MTU, FAR_MAC, type OpenTap, openTap } from "./tap.ts";
