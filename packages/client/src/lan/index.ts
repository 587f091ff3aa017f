export { defaultRules } from "./default-route.ts";
export { reconcileLan } from "./lan-network.ts";
