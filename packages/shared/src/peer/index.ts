export * from "./epoch.ts";
export * from "./path.ts";
export * from "./peer.ts";
export type { PeerSender } from "./peer-sender.ts";
