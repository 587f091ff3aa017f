export { type JoinOptions, type JoinReport, joinClient } from "./join-client.ts";
