export type { ConcentratorLink } from "./concentrator-link.ts";
export { ConcentratorSet } from "./concentrator-set.ts";
