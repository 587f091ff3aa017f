export { markCongestion } from "./ecn.ts";
export {
  FLOW_NUMBERS,
  FlowHasher,
  flowNumber,
  flowSlot,
  parseTransmitHashPolicy,
  slotOfFlow,
  sourceHash,
  TRANSMIT_HASH_POLICIES,
  type TransmitHashPolicy,
} from "./flow-hash.ts";
export { ETHERTYPE_IPV4, ETHERTYPE_IPV6, FrameView, PROTOCOL_TCP, PROTOCOL_UDP, TCP_SYN } from "./frame-view.ts";
export { formatIpAddress, type IpPrefix, parseIpAddress, parseIpPrefix } from "./ip-address.ts";
export { isGroupMac, MAC_BYTES, macNumber } from "./mac-address.ts";
export { NO_PREFIX, PrefixTable } from "./prefix-table.ts";
export { clampMss } from "./tcp-mss.ts";
