export { PACKET_LOOP_FLAG } from "./forwarder-engine.ts";
export { ForwarderThread, type ForwarderThreadData } from "./forwarder-thread.ts";
export {
  type NativeAddon,
  native,
  nativePath,
  POLLERR,
  POLLIN,
  POLLOUT,
  type TapOffloads,
  type UdpOpenOptions,
} from "./native.ts";
export { NativePorts, STAT_NAMES, type StatName } from "./native-ports.ts";
export { programVersion } from "./program-version.ts";
