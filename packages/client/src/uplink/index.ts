export {
  type ResolvedUplink,
  readUplinkFacts,
  resolveUplinks,
  type UplinkFacts,
} from "./uplink-discovery.ts";
export { logUplinks, warnOfMissing } from "./uplink-log.ts";
export { UplinkPaths, type UplinkTraits } from "./uplink-paths.ts";
export { UplinkPinning } from "./uplink-pinning.ts";
export { uplinkSettings } from "./uplink-settings.ts";
