export * from "./handshake-initiator.ts";
export * from "./handshake-responder.ts";
export type { HandshakeSource } from "./handshake-source.ts";
export * from "./session-epoch.ts";
export { SessionIndexes } from "./session-indexes.ts";
