import { checkAddresses } from "./checks/addresses.ts";
import { checkCapacity } from "./checks/capacity.ts";
import { checkClock, checkVersion } from "./checks/far-end.ts";
import { checkFiles } from "./checks/files.ts";
import { checkConntrack, checkFirewall } from "./checks/firewall.ts";
import { checkAes, checkKernel } from "./checks/kernel.ts";
import { checkLeftovers } from "./checks/leftovers.ts";
import { checkNat } from "./checks/nat.ts";
import { checkPathMtu, checkTapMtu } from "./checks/path-mtu.ts";
import { checkListening, checkProgram } from "./checks/program.ts";
import { checkQuality } from "./checks/quality.ts";
import { checkReach } from "./checks/reach.ts";
import { checkForwarding, checkRpFilter } from "./checks/routing.ts";
import { checkSharedBottleneck } from "./checks/shared-bottleneck.ts";
import type { Check, DoctorFacts } from "./facts.ts";
import { about, type Finding } from "./finding.ts";

/** About this machine; then about the uplinks, in the order in which one thing explains the next. */
const HOST_CHECKS: readonly Check[] = [
  checkProgram,
  checkListening,
  checkKernel,
  checkAes,
  checkFiles,
  checkLeftovers,
  checkAddresses,
  checkRpFilter,
  checkForwarding,
  checkFirewall,
  checkConntrack,
];
const LINE_CHECKS: readonly Check[] = [checkReach, checkNat, checkQuality, checkPathMtu, checkCapacity];
const BOND_CHECKS: readonly Check[] = [checkSharedBottleneck, checkTapMtu, checkClock, checkVersion];

/** Everything that is to be said about these facts: first this machine, then each uplink, then what is of all. */
export function diagnose(facts: DoctorFacts): Finding[] {
  const host = HOST_CHECKS.flatMap((check) => check(facts));
  if (facts.plan.role === "concentrator") return [...host, ...checkClock(facts)];
  if (facts.lines === null) {
    return [
      ...host,
      about("uplinks", null).warning(`the uplinks were not measured: ${facts.unmeasured}`, "Mend that, and ask again."),
    ];
  }
  const lines = LINE_CHECKS.flatMap((check) => check(facts));
  const names = facts.lines.map(({ name }) => name);
  const ordered = names.flatMap((name) => lines.filter(({ uplink }) => uplink === name));
  return [...host, ...ordered, ...BOND_CHECKS.flatMap((check) => check(facts))];
}
