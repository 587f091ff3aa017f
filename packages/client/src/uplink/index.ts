export { diffUplinks } from "./uplink-diff.ts";
export {
  type ResolvedUplink,
  readUplinkFacts,
  resolveUplinks,
  type UplinkFacts,
} from "./uplink-discovery.ts";
export { UplinkPaths } from "./uplink-paths.ts";
export { UplinkPinning } from "./uplink-pinning.ts";
