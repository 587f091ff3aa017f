export { directTableBody, FORMER_DIRECT_TABLE_BODY } from "./direct-table.ts";
export type { FallbackDecision } from "./fallback-rule.ts";
export { FallbackWatch } from "./fallback-watch.ts";
export { GUARD_PREFIX, guardChanges } from "./kill-switch.ts";
