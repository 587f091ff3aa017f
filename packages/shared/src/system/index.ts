export { beginFile, makeKeyFolder, type PendingFile, replaceFile } from "./atomic-file.ts";
export type { Change, Changes } from "./change.ts";
export { CommandError, createRunner, type Runner } from "./command.ts";
export { type ForwardObstacle, findForwardObstacles, forwardObstacles } from "./forward-firewall.ts";
export { advertisedDevices, type ForwardingSettings, forwardingChanges } from "./forwarding.ts";
export { findInputRemedies } from "./input-firewall.ts";
export { acquireInstanceLock, type InstanceLock, type LiveInstance, liveInstances } from "./instance-lock.ts";
export {
  type AddressFact,
  hasIpv6,
  type LinkFact,
  type RouteFact,
  type RuleFact,
  readAddresses,
  readDefaultRoutes,
  readLinks,
  readNeighbour,
  readNetworksInUse,
  readOwnRoutes,
  readRules,
} from "./kernel-state.ts";
export {
  defaultPriority,
  instanceOfPriority,
  instanceOfTable,
  MAIN_TABLE,
  MAX_UPLINK_SLOTS,
  nftTableName,
  OWN_PROTOCOL,
  pinningPriority,
  tunnelTable,
  uplinkTable,
} from "./names.ts";
export { type PortObstacle, portObstacles } from "./port-firewall.ts";
export { canonicalAddress, contains, networkOf, parsePrefix } from "./prefix.ts";
export { findMissingPrerequisites, type Requirements, requirePrerequisites } from "./prerequisites.ts";
export { type ServiceStart, startService } from "./service-start.ts";
export { type ProgramPlace, renderUnit, SERVICE_ROLES, type ServiceRole } from "./service-unit.ts";
export { installService, removeService, requireSystemd, type ServiceReport } from "./services.ts";
export { makeStateDirectory, removeIfEmpty, stateDirectory } from "./state-directory.ts";
export { type FailedChange, mergeReports, type ReconcileReport, SystemChanges } from "./system-changes.ts";
export { type TapSettings, tapChanges, tunnelRoute } from "./tap-device.ts";
