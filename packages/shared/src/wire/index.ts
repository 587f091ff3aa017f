export * from "./control-reader.ts";
export { CLOSE_REMOVED, CLOSE_STOPPING, MAX_ATTACH_BYTES, MAX_CONFIG_BYTES } from "./control-types.ts";
export * from "./control-writer.ts";
export * from "./data-frame.ts";
export * from "./endpoint.ts";
export * from "./feedback-block.ts";
export * from "./handshake-frame.ts";
export * from "./limits.ts";
export * from "./measure-frame.ts";
