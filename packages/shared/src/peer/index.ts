export * from "./epoch.ts";
export * from "./path.ts";
export * from "./peer.ts";
export type { PeerSender, SenderHistory, SenderTotals } from "./peer-sender.ts";
