export { readEvents, readStatus, streamStatus } from "./control-client.ts";
export { type ControlServer, type ControlServerOptions, startControlServer } from "./control-server.ts";
export { createEventLog, type EventLog, type EventLogOptions } from "./event-log.ts";
export { EventRing, MAX_EVENTS } from "./event-ring.ts";
export { prettyEvent } from "./pretty-event.ts";
export type { BondStatus, MemberStatus, StatusSnapshot, StatusSource } from "./status.ts";
export { statusTable } from "./status-table.ts";
