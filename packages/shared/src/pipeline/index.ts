export type { ForwarderCommand, PathOptions, PeerOptions } from "./commands.ts";
export type { EmitEvent, ForwarderEvent, ForwarderSnapshot, MemberSnapshot, PeerSnapshot } from "./events.ts";
export { Forwarder, type ForwarderOptions, POOL_BYTES } from "./forwarder.ts";
export type { HandshakeDatagram } from "./handshake-queue.ts";
export type { MeasureQuestion } from "./measure-question.ts";
export * from "./ports.ts";
