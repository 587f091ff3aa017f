import { PHASE_SENTENCES } from "./controller-phases.ts";
import { fieldsText } from "./pretty-event.ts";
import { UNKNOWN } from "./table-text.ts";
import type { WhyEvent } from "./why-answer.ts";

/** @returns the names of the members with these path numbers. @param mask one bit for each. */
type MembersOf = (mask: number) => string;
type Sentence = (event: WhyEvent, membersOf: MembersOf) => string;

const SENTENCES: ReadonlyMap<string, Sentence> = new Map<string, Sentence>([
  ["path-suspect", pathSuspect],
  ["path-cleared", ({ suspectMs }) => `in use again: after ${number(suspectMs)} ms something sent here arrived`],
  [
    "feedback-missing",
    ({ sentCount, waitedMs }) =>
      `the far end has said nothing of ${number(sentCount)} frames for ${number(waitedMs)} ms: fixed shares from now on`,
  ],
  ["line-phase", linePhase],
  [
    "shared-bottleneck",
    ({ paths, correlationRatio }, membersOf) =>
      paths === 0
        ? "no members share one line any more"
        : `these share one line: ${membersOf(Number(paths))} (correlation of their delays ${number(correlationRatio, 2)})`,
  ],
  [
    "parity",
    ({ isOn, lossRatio }) =>
      `${isOn === true ? "carries parity" : "carries no parity any more"}: it loses ${number(Number(lossRatio) * 100, 2)} % singly`,
  ],
  [
    "bulk-source",
    ({ rateKbps, soonestKbps, behindMs }) =>
      `a host sends ${number(Number(rateKbps) / 1000, 1)} Mbit/s, as much as the soonest member takes (${number(Number(soonestKbps) / 1000, 1)}): ` +
      `its next connections have the delay of the slower ones, up to ${number(behindMs)} ms more, and fill all`,
  ],
  ["feedback-back", () => "the far end tells what arrives again: no fixed shares any more"],
  ["member-state", memberState],
  ["bond-decision", ({ decision }, membersOf) => bondDecision(entriesOf(decision), membersOf)],
  ["path-mtu", ({ mtu, reason }) => `largest packet is ${number(mtu)} bytes (${word(reason)})`],
  ["roamed", ({ from, to }) => `goes on from ${word(to)}, was ${word(from)}`],
  ["kill-switch", ({ killSwitch }) => `nothing of the LAN leaves but through the bond (${word(killSwitch)})`],
  [
    "direct-started",
    ({ uplink, unreachableMs, rttMs }) =>
      `no concentrator for ${number(unreachableMs)} ms: the LAN uses ${word(uplink)} directly (its RTT ${number(rttMs, 1)} ms)`,
  ],
  [
    "direct-moved",
    ({ from, uplink, reason }) => `the LAN uses ${word(uplink)} directly in place of ${word(from)} (${word(reason)})`,
  ],
  [
    "direct-ended",
    ({ uplink, reachableMs, directMs }) =>
      `a bond is up for ${number(reachableMs)} ms: no longer directly over ${word(uplink)}, as for ${number(directMs)} ms`,
  ],
  [
    "concentrator-changed",
    ({ from, to, reason, unreachableMs, reachableMs }) =>
      reason === "unreachable"
        ? `${word(from)} is not reachable for ${number(unreachableMs)} ms: ${word(to)} carries the traffic`
        : `${word(to)} is reachable for ${number(reachableMs)} ms: it carries the traffic again, not ${word(from)}`,
  ],
  ["concentrator-reachable", ({ rttMs }) => `this concentrator can carry traffic (RTT ${number(rttMs, 1)} ms)`],
  ["concentrator-unreachable", () => "this concentrator is not reachable over any uplink"],
  ["peer-silent", ({ silentMs }) => `no member is heard for ${number(silentMs)} ms: asking for new keys`],
]);

/** An event as a sentence with its numbers; one that has no sentence of its own with its fields as they are. */
export function eventSentence(event: WhyEvent, membersOf: MembersOf): string {
  const sentence = SENTENCES.get(event.event);
  if (sentence !== undefined) return sentence(event, membersOf);
  const { peer: _peer, client: _client, member: _member, ...fields } = event;
  const message = typeof event["message"] === "string" ? `: ${event["message"]}` : "";
  return [`${event.event}${message}`, ...fieldsText(fields)].join(" ");
}

function pathSuspect({ oldestMs, limitMs, srttMs, rttVarMs, reinjectedCount }: WhyEvent): string {
  const usual = srttMs === null ? "not known yet" : `${number(srttMs, 1)} ± ${number(rttVarMs, 1)} ms`;
  return (
    `silent: what was sent ${number(oldestMs)} ms ago has not arrived, ${number(limitMs)} ms are allowed ` +
    `(RTT ${usual}); ${number(reinjectedCount)} frames go to other members`
  );
}

function linePhase({ from, to, changeCount, rateKbps, lossRatio, queueMs, rttMinMs }: WhyEvent): string {
  const others = Number(changeCount) > 1 ? ` (${number(changeCount)} changes since this was told last)` : "";
  return (
    `phase ${word(from)} -> ${word(to)}${others}: ${PHASE_SENTENCES.get(word(to)) ?? UNKNOWN}; ` +
    `${number(Number(rateKbps) / 1000, 2)} Mbit/s, loss ${number(lossRatio, 3)}, queue ${number(queueMs, 1)} ms, ` +
    `least RTT ${number(rttMinMs, 1)} ms`
  );
}

function memberState(event: WhyEvent): string {
  return `${word(event["from"])} -> ${word(event["to"])} (${word(event["reason"])}): ${stateNumbers(event)}`;
}

function stateNumbers(event: WhyEvent): string {
  const { rttMs, lastRttMs, rttLimitMs, unansweredMs, unheardMs, plrRatio, packetCount, offences, waitMs } = event;
  if (event["reason"] === "silent") {
    return `a probe unanswered for ${number(unansweredMs)} ms, nothing heard for ${number(unheardMs)} ms`;
  }
  if (event["reason"] === "rtt") {
    return `RTT ${number(rttMs, 1)} ms, the last ${number(lastRttMs, 1)} ms, ${number(rttLimitMs)} ms are allowed`;
  }
  if (event["reason"] === "loss") return `loss ${number(plrRatio, 3)} of ${number(packetCount)} datagrams`;
  const wait = typeof waitMs === "number" && waitMs > 0 ? `, ${number(waitMs)} ms to wait` : "";
  const left = typeof offences === "number" && offences > 0 ? `, left ${offences} times lately` : "";
  return `RTT ${number(rttMs, 1)} ms, loss ${number(plrRatio, 3)}${left}${wait}`;
}

function bondDecision(decision: ReadonlyMap<string, unknown>, membersOf: MembersOf): string {
  const [from, to] = [decision.get("from"), decision.get("to")];
  if (decision.get("type") === "active-changed") {
    return `${activeText(to)} carries what ${activeText(from)} did (${word(decision.get("reason"))})`;
  }
  const names = (mask: unknown) => (typeof mask === "number" && mask !== 0 ? membersOf(mask) : "none");
  const spares = decision.get("usable");
  return `members that may carry: ${names(to)}; before: ${names(from)}; answering: ${names(spares)}`;
}

function activeText(member: unknown): string {
  if (member === null) return "nobody";
  const fields = entriesOf(member);
  return `${word(fields.get("name"))} (score ${number(fields.get("score"), 2)})`;
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
}

function number(value: unknown, digits = 0): string {
  return typeof value === "number" ? value.toFixed(digits) : UNKNOWN;
}

function word(value: unknown): string {
  return typeof value === "string" ? value : UNKNOWN;
}
