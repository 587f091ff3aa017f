export { Bond, type BondEvent, type BondSink } from "./bond.ts";
export type { MemberQuality } from "./members.ts";
export * from "./settings.ts";
