import { eventSentence } from "./event-sentence.ts";
import { foldSeconds } from "./fold-seconds.ts";
import { decimals, durationText, kilobytes, mbit, printable, UNKNOWN } from "./table-text.ts";
import type { WhyAnswer, WhyMember, WhySecond } from "./why-answer.ts";

const PHASES: ReadonlyMap<string, string> = new Map([
  ["startup", "looking for the rate of the line"],
  ["steady", "the rate is known, the queue is held short"],
  ["foreign", "a delay that this bond did not cause: the rate is frozen"],
  ["competing", "others keep a queue on the line: this bond keeps its share of it"],
  ["policed", "the line drops what is above a rate: that rate is held"],
]);

/** `12:03:04–12:03:41`, and the gap to what it is about. */
const TIME_WIDTH = 19;

/** The members asked about, each with its present figures and, in order of time, what it did and what was decided of it. */
export function whyText({ members, known }: WhyAnswer): string {
  return members.map((member) => memberText(member, known)).join("\n");
}

function memberText(member: WhyMember, known: WhyAnswer["known"]): string {
  const { peer, policy, status, seconds, events } = member;
  const membersOf = (mask: number) =>
    known
      .filter((each) => each.peer === peer && (mask & (1 << each.path)) !== 0)
      .map(({ name }) => name)
      .join(", ");
  const runs = foldSeconds(
    seconds,
    events.map(({ time }) => time),
  );
  const lines = [
    ...runs.map((run) => ({ time: run[0]?.time ?? "", text: timed(spanText(run), runText(run)) })),
    ...events.map((event) => ({
      time: event.time,
      text: timed(event.time.slice(11, 23), eventSentence(event, membersOf)),
    })),
  ].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const past = lines.length === 0 ? ["  nothing happened in this time"] : lines.map(({ text }) => text);
  return [`${status.name} to ${peer}, ${policy}: ${stateText(status)}`, ...nowLines(status), "", ...past]
    .map((line) => `${printable(line)}\n`)
    .join("");
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
  const phase = PHASES.get(use.phase);
  const { lost, spurious, reinjected, late, retransmittedFrames, duplicatedFrames, saved, silences } = use;
  return [
    `  use: ${use.state}, ${use.phase}${phase === undefined ? "" : ` (${phase})`}`,
    `  now: pacing ${mbit(use.rateKbps)} Mbit/s (arriving ${mbit(use.deliveryKbps)}), window ${kilobytes(use.windowBytes)} kB, ` +
      `under way ${kilobytes(use.inflightBytes)} kB, queue ${decimals(use.queueMs, 1)} ms, share ${decimals(use.shareRatio, 2)}`,
    `  so far: ${use.firstFrames} frames; ${lost} lost (${spurious} came after all), ` +
      `${reinjected} re-injected elsewhere (${late} came after all), ${retransmittedFrames} sent again here, ` +
      `${duplicatedFrames} second copies, ${saved} saved by another copy, silent ${silences} times`,
  ];
}

function spanText(run: readonly WhySecond[]): string {
  const [first, last] = [run.at(0)?.time.slice(11, 19) ?? "", run.at(-1)?.time.slice(11, 19) ?? ""];
  return first === last ? first : `${first}–${last}`;
}

function runText(run: readonly WhySecond[]): string {
  const total = (pick: (second: WhySecond) => number) => run.reduce((sum, second) => sum + pick(second), 0);
  const state = run[0]?.state;
  if (state === "unusable") return "out of the bond";
  const copies = total((second) => second.duplicatedFrames);
  if (state === "suspect") return `suspect: tried with ${copies} copies`;
  const figures = [
    `${range(run, (second) => scaled(second.rateKbps), 2)} Mbit/s`,
    `window ${range(run, (second) => scaled(second.windowBytes), 0)} kB`,
    `queue ${range(run, (second) => second.queueMs, 1)} ms`,
    `RTT ${range(run, (second) => second.srttMs, 1)} ms`,
  ];
  const frames = total((second) => second.firstFrames);
  const carried =
    frames === 0
      ? "carried nothing"
      : `carried ${frames} frames, share ${range(run, (second) => second.shareRatio, 2)}`;
  const counts: [number, string][] = [
    [total((second) => second.lost), "lost"],
    [total((second) => second.reinjected), "re-injected elsewhere"],
    [total((second) => second.retransmittedFrames), "sent again here"],
    [copies, "second copies"],
    [total((second) => second.heldBack), "times no room"],
    [total((second) => second.passedOver), "times a faster member was worth waiting for"],
  ];
  const happened = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${carried}; ${figures.join(", ")}`, ...(happened.length === 0 ? [] : [happened.join(", ")])].join("; ");
}

function scaled(value: number | null): number | null {
  return value === null ? null : value / 1000;
}

/** `17.8–18.3`, or one number where all are the same. */
function range(run: readonly WhySecond[], pick: (second: WhySecond) => number | null, digits: number): string {
  const values = run.map(pick).filter((value) => value !== null);
  if (values.length === 0) return UNKNOWN;
  const [least, most] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)];
  return least === most ? least : `${least}–${most}`;
}
