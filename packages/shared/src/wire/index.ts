export * from "./control-frame.ts";
export * from "./data-frame.ts";
export * from "./endpoint.ts";
export * from "./feedback-block.ts";
export * from "./handshake-frame.ts";
export * from "./limits.ts";
export * from "./measure-frame.ts";
