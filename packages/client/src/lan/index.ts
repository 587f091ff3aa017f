export { reconcileLan } from "./lan-network.ts";
