import type { AggregateEvent } from "../aggregate/index.ts";
import type { EventLog } from "../control/index.ts";
import type { ForwarderEvent } from "../pipeline/index.ts";

const MEMBER_SENTENCES: Readonly<Record<string, string>> = {
  up: "the member carries frames",
  pending: "the member answers and waits to be let in",
  evicted: "the member left the bond: it is too slow, loses too much or does not answer",
  down: "the member left the bond: nothing is heard of it",
};
const CARRIER_SENTENCE = "the member left the bond: its device is off, without carrier or without address";

const AGGREGATE_SENTENCES: Readonly<Record<string, string>> = {
  "path-suspect": "nothing is heard of what was sent on this path: the others take over",
  "path-cleared": "what was sent on this path arrives again: it is used as before",
  "feedback-missing": "the far end does not tell what arrives: traffic is split by fixed shares, nothing is sent again",
  "line-phase":
    "the line of this path is used in another way: its rate was found, it is shared, or drops what is too fast",
  "shared-bottleneck": "paths that share one line are found, or are apart again: its capacity is counted once",
  parity: "the line loses datagrams singly, and carries parity so that the far end can make them; or does not any more",
  "bulk-source":
    "a host sends as much as the soonest line takes: its next connections are to fill the slower ones, too",
  "feedback-back": "the far end tells what arrives: every path gets what its line takes",
};

/** Writes a decision of the packet loop as one event with the numbers that led to it. What is no decision is not logged. */
export function logForwarderEvent(log: EventLog, event: ForwarderEvent, peer: string): void {
  switch (event.type) {
    case "member-state": {
      const { member, from, to, reason, numbers } = event;
      const level = to === "up" || to === "pending" ? "info" : "warn";
      const sentence = reason === "carrier" ? CARRIER_SENTENCE : (MEMBER_SENTENCES[to] ?? to);
      log[level]({ event: "member-state", peer, member, from, to, reason, ...numbers }, sentence);
      break;
    }
    case "bond-decision":
      log.info({ event: "bond-decision", peer, decision: event.decision }, "the bond changed who carries frames");
      break;
    case "aggregate":
      logAggregate(log, event.decision, peer, event.member);
      break;
    case "path-mtu": {
      const { member, mtu, reason } = event;
      log.info({ event: "path-mtu", peer, member, mtu, reason }, "largest packet that this path carries");
      break;
    }
    case "bond-mtu":
      log.info({ event: "bond-mtu", peer, mtu: event.mtu }, "largest inner packet that every member carries");
      break;
    case "roamed": {
      const { member, from, to } = event;
      log.info({ event: "roamed", peer, member, from, to }, "the path goes on from another address");
      break;
    }
    case "attached":
      log.info({ event: "path-attached", peer, member: event.name }, "the far end knows this path");
      break;
    case "detached":
      log.info({ event: "path-detached", peer, member: event.name }, "the far end has given up this path");
      break;
    case "session-confirmed":
      log.info({ event: "session", peer }, "both ends hold keys");
      break;
    case "rekeyed":
      log.info({ event: "rekey", peer, rekeys: event.rekeys }, "new keys are in use");
      break;
    case "peer-silent":
      log.warn({ event: "peer-silent", peer, silentMs: event.silentMs }, "no path is heard: asking for new keys");
      break;
    case "closed":
      log.info({ event: "closed-by-peer", peer, reason: event.reason }, "the far end has ended the session");
      break;
    case "load-answered": {
      const { to, rateKbps, bytes } = event;
      log.info({ event: "load-answered", peer, to, rateKbps, bytes }, "the far end measures one of its lines");
      break;
    }
    case "no-udp-gso":
      log.warn({ event: "no-udp-gso" }, "a device takes no batches of datagrams: they are sent one by one");
      break;
    default:
      break; // handshakes, snapshots and indexes are dealings between the threads
  }
}

function logAggregate(log: EventLog, { type, ...numbers }: AggregateEvent, peer: string, member: string | null): void {
  const level = type === "feedback-missing" ? "warn" : "info";
  const fields = { event: type, peer, ...(member === null ? {} : { member }), ...numbers };
  log[level](fields, AGGREGATE_SENTENCES[type] ?? "the bond changed how it uses its paths");
}
