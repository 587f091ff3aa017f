import { PHASE_SENTENCES } from "./controller-phases.ts";
import { eventSentence } from "./event-sentence.ts";
import { foldSeconds } from "./fold-seconds.ts";
import { happened, runText, spanText } from "./run-sentence.ts";
import { decimals, durationText, kilobytes, mbit, printable } from "./table-text.ts";
import type { WhyAnswer, WhyMember } from "./why-answer.ts";

/** `12:03:04–12:03:41`, and the gap to what it is about. */
const TIME_WIDTH = 19;

/** The members asked about, each with its present figures and, in order of time, what it did and what was decided of it. */
export function whyText({ members, known }: WhyAnswer): string {
  return members.map((member) => memberText(member, known)).join("\n");
}

function memberText(member: WhyMember, known: WhyAnswer["known"]): string {
  const { peer, policy, status } = member;
  const past = pastLines(member, known);
  const lines = [
    `${status.name} to ${peer}, ${policy}: ${stateText(status)}`,
    ...nowLines(status),
    "",
    ...(past.length === 0 ? ["  nothing happened in this time"] : past),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}

/** Runs of seconds, and the events between them. */
function pastLines({ peer, seconds, events }: WhyMember, known: WhyAnswer["known"]): string[] {
  const breaks = events.map(({ time }) => time);
  const lines = [
    ...foldSeconds(seconds, breaks).map((run) => ({
      time: run[0]?.time ?? "",
      text: timed(spanText(run), runText(run)),
    })),
    ...events.map((event) => ({
      time: event.time,
      text: timed(
        event.time.slice(11, 23),
        eventSentence(event, (mask) => namesOf(mask, peer, known)),
      ),
    })),
  ];
  lines.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return lines.map(({ text }) => text);
}

function namesOf(mask: number, peer: string, known: WhyAnswer["known"]): string {
  const members = known.filter((each) => each.peer === peer && (mask & (1 << each.path)) !== 0);
  return members.map(({ name }) => name).join(", ");
}

function timed(time: string, text: string): string {
  return `  ${time.padEnd(TIME_WIDTH)}${text}`;
}

function stateText({ state, reason, stateSinceMs }: WhyMember["status"]): string {
  const since = stateSinceMs === null ? "" : ` for ${durationText(stateSinceMs)}`;
  return reason === null || state === "up" ? `${state}${since}` : `${state} (${reason})${since}`;
}

function nowLines(status: WhyMember["status"]): string[] {
  const { rttMs, rttMinMs, pdvMs, plrRatio, txKbps, aggregate } = status;
  const line =
    `  line: RTT ${decimals(rttMs, 1)} ms (least ${decimals(rttMinMs, 1)}), PDV ${decimals(pdvMs, 1)} ms, ` +
    `loss ${decimals(plrRatio, 3)}, sending ${mbit(txKbps)} Mbit/s`;
  return aggregate === null ? [line] : [line, ...useLines(aggregate)];
}

function useLines(use: NonNullable<WhyMember["status"]["aggregate"]>): string[] {
  const phase = PHASE_SENTENCES.get(use.phase);
  const soFar = happened([
    [use.firstFrames, "frames"],
    [use.lost, "lost"],
    [use.spurious, "of them came after all"],
    [use.reinjected, "re-injected elsewhere"],
    [use.late, "of them came after all"],
    [use.retransmittedFrames, "sent again here"],
    [use.duplicatedFrames, "second copies"],
    [use.saved, "saved by another copy"],
    [use.silences, "times silent"],
  ]);
  return [
    `  use: ${use.state}, ${use.phase}${phase === undefined ? "" : ` (${phase})`}`,
    `  now: pacing ${mbit(use.rateKbps)} Mbit/s (arriving ${mbit(use.deliveryKbps)}), window ${kilobytes(use.windowBytes)} kB, ` +
      `under way ${kilobytes(use.inflightBytes)} kB, queue ${decimals(use.queueMs, 1)} ms, share ${decimals(use.shareRatio, 2)}`,
    `  so far: ${soFar === "" ? "nothing" : soFar}`,
  ];
}
