import { UNKNOWN } from "./table-text.ts";
import type { WhySecond } from "./why-answer.ts";

/** From the first to the last second of a run. */
export function spanText(run: readonly WhySecond[]): string {
  const [first, last] = [run.at(0)?.time.slice(11, 19) ?? "", run.at(-1)?.time.slice(11, 19) ?? ""];
  return first === last ? first : `${first}–${last}`;
}

/** What a member did in a run of seconds that were alike. */
export function runText(run: readonly WhySecond[]): string {
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
  const counts = happened([
    [total((second) => second.lost), "lost"],
    [total((second) => second.reinjected), "re-injected elsewhere"],
    [total((second) => second.retransmittedFrames), "sent again here"],
    [copies, "second copies"],
    [total((second) => second.heldBack), "times no room"],
    [total((second) => second.passedOver), "times a faster member was worth waiting for"],
  ]);
  return [carried, figures.join(", "), counts].filter((part) => part !== "").join("; ");
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

/** What there was, with its counts; empty when there was nothing. */
export function happened(counts: readonly (readonly [number, string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(", ");
}
