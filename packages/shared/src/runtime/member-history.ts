import type { MemberHistory } from "../control/index.ts";
import type { SenderHistory } from "../peer/index.ts";

/** What a sender remembers, in wall-clock time. @param nowMs of the monotonic clock, now. */
export function memberHistory({ seconds, events }: SenderHistory, nowMs: number): MemberHistory {
  const startMs = Date.now() - nowMs;
  const time = (atMs: number) => new Date(startMs + atMs).toISOString();
  return {
    seconds: seconds.map(({ atMs, ...figures }) => ({ time: time(atMs), ...figures })),
    events: events.map(({ atMs, event: { type, ...numbers } }) => ({ time: time(atMs), event: type, ...numbers })),
  };
}
