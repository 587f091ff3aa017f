export { diffUplinks } from "./uplink-diff.ts";
export {
  type ResolvedUplink,
  readUplinkFacts,
  resolveUplinks,
  type UnusableReason,
  type UplinkAddress,
  type UplinkFacts,
  type UplinkRequest,
} from "./uplink-discovery.ts";
export { UplinkPaths, type UplinkTraits } from "./uplink-paths.ts";
export { UplinkPinning } from "./uplink-pinning.ts";
