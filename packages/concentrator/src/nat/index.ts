export { type ConcentratorNetwork, reconcileNetwork } from "./concentrator-network.ts";
