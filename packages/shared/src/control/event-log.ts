import { type Logger, pino } from "pino";
import type { EventRing } from "./event-ring.ts";
import { prettyEvent } from "./pretty-event.ts";

/** Writes events: `log.info({ event: "member-evicted", member: "isp1", rttMs: 2140 }, "its RTT is above evictRttMs")`. */
export type EventLog = Pick<Logger, "debug" | "info" | "warn" | "error">;

export interface EventLogOptions {
  readonly role: string;
  readonly level: "debug" | "info" | "warn" | "error";
  /** For people at a terminal; otherwise one JSON object per line. */
  readonly pretty: boolean;
  /** Takes one line with its line feed; standard output when it is missing. */
  readonly write?: (line: string) => void;
  /** Keeps the last lines for the control socket. */
  readonly ring?: EventRing;
}

/** Names of fields whose values never leave the process. */
const SECRET = /^(private|preshared|sending|receiving)?key$|secret|^psk$|password|token/i;
const MAX_DEPTH = 4;

/**
 * The log of a program: one JSON line per event on standard output, written at once, so that the last line before an
 * end is never lost. Keys and other bytes are replaced by their length, whatever their name is.
 */
export function createEventLog(options: EventLogOptions): EventLog {
  const write = options.write ?? standardOutput();
  const stream = {
    write(line: string): void {
      options.ring?.push(line);
      write(options.pretty ? prettyEvent(line) : line);
    },
  };
  const settings = {
    level: options.level,
    base: { role: options.role },
    messageKey: "message",
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: hideFields },
  };
  return pino(settings, stream);
}

function standardOutput(): (line: string) => void {
  // It ignores EPIPE: a reader that went away does not end the program.
  const destination = pino.destination({ dest: 1, sync: true });
  return (line) => destination.write(line);
}

function hideFields(fields: Record<string, unknown>): Record<string, unknown> {
  return hideIn(fields, 0);
}

function hideIn(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, SECRET.test(name) ? "[hidden]" : withoutBytes(value, depth)]),
  );
}

function withoutBytes(value: unknown, depth: number): unknown {
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  if (depth >= MAX_DEPTH) return "[...]";
  if (Array.isArray(value)) return value.map((element) => withoutBytes(element, depth + 1));
  return hideIn(value, depth + 1);
}
