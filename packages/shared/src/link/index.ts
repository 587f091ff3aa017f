export type { LinkMonitorConfig, LinkMonitorSink, LinkNumbers, LinkReason, LinkState } from "./link-config.ts";
export { LINK_MONITOR_DEFAULTS } from "./link-config.ts";
export { LinkMonitor } from "./link-monitor.ts";
export type { PathMtuConfig, PathMtuReason, PathMtuSink } from "./path-mtu.ts";
export { PathMtuSearch } from "./path-mtu.ts";
export type { PathQuality } from "./quality.ts";
