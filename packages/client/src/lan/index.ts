export { type LanNetwork, reconcileLan } from "./lan-network.ts";
