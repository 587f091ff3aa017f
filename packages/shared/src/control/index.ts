export { readEvents, readMeasurement, readStatus, readWhy, streamStatus } from "./control-client.ts";
export { type ControlServer, type ControlServerOptions, startControlServer } from "./control-server.ts";
export { createEventLog, type EventLog, type EventLogOptions } from "./event-log.ts";
export { EventRing, MAX_EVENTS } from "./event-ring.ts";
export {
  type DirectionCapacity,
  type LineMeasurement,
  MAX_CAPACITY_BYTES,
  MeasureAnswer,
  type MeasureOptions,
} from "./measure-answer.ts";
export { readClients, requestInvite, revokeClient } from "./pairing-client.ts";
export {
  type ClientEntry,
  ClientsAnswer,
  InviteAnswer,
  type InviteRequest,
  MAX_INVITE_LIFE_S,
  type PairingControl,
  type RevokeAnswer,
} from "./pairing-control.ts";
export { prettyEvent } from "./pretty-event.ts";
export { type BondStatus, type FallbackStatus, type MemberStatus, StatusSnapshot } from "./status.ts";
export type { MemberHistory, StatusSource } from "./status-source.ts";
export { statusTable } from "./status-table.ts";
export { type Column, printable, table, UNKNOWN } from "./table-text.ts";
export type { WhyAnswer } from "./why-answer.ts";
export { whyText } from "./why-text.ts";
