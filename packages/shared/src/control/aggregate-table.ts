import type { BondStatus, MemberStatus } from "./status.ts";
import { type Column, decimals, kilobytes, mbit, table } from "./table-text.ts";

type Figures = NonNullable<MemberStatus["aggregate"]> & { readonly name: string };

const COLUMNS: readonly Column<Figures>[] = [
  { title: "MEMBER", align: "left", text: ({ name }) => name },
  { title: "PHASE", align: "left", text: ({ state, phase }) => (state === "in-use" ? phase : state) },
  { title: "SHARE", align: "right", text: ({ shareRatio }) => decimals(shareRatio, 2) },
  { title: "PACING Mbit/s", align: "right", text: ({ rateKbps }) => mbit(rateKbps) },
  { title: "WINDOW kB", align: "right", text: ({ windowBytes }) => kilobytes(windowBytes) },
  { title: "QUEUE ms", align: "right", text: ({ queueMs }) => decimals(queueMs, 1) },
  { title: "RETX", align: "right", text: ({ retransmittedFrames }) => String(retransmittedFrames) },
  { title: "REINJ", align: "right", text: ({ reinjected }) => String(reinjected) },
  { title: "DUP", align: "right", text: ({ duplicatedFrames }) => String(duplicatedFrames) },
  { title: "PARITY", align: "right", text: ({ parityFrames }) => String(parityFrames) },
  { title: "SAVED", align: "right", text: ({ saved }) => String(saved) },
];

/** How the policy aggregate uses the members and the queue of a bond; empty for other policies. */
export function aggregateText({ aggregate, members: all }: BondStatus): string {
  if (aggregate === null) return "";
  const rows = all.flatMap((member): Figures[] =>
    member.aggregate === null ? [] : [{ ...member.aggregate, name: member.name }],
  );
  const { queue, keptBytes, usesFixedShares } = aggregate;
  const lines = [
    `waiting ${queue.packets} (${kilobytes(queue.bytes)} kB), dropped ${sum(queue.drops)}, marked ${queue.markedFrames}, ` +
      `kept ${kilobytes(keptBytes)} kB, given up ${sum(aggregate.givenUp)}, feedback refused ${sum(aggregate.refusedFeedback)}`,
    ...(usesFixedShares ? ["the far end tells nothing of what arrives: fixed shares, nothing is sent again"] : []),
  ];
  const members = rows.length === 0 ? "" : `\n${table(COLUMNS, rows)}`;
  return `${members}\nQUEUE\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
