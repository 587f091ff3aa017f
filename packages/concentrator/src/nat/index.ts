export { type ClientNetworks, type ConcentratorNetwork, reconcileNetwork } from "./concentrator-network.ts";
