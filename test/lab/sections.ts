import type { Row, Value } from "./result.ts";
import { NEVER_MS } from "./values.ts";

/** A column of a table of cases. */
export interface Column {
  readonly title: string;
  readonly cell: (row: Row) => string;
}

export interface Section {
  readonly title: string;
  readonly columns: readonly Column[];
}

export const MISSING = "–";

/** A column of one value. */
function of(title: string, name: string, show: (value: number) => string): Column {
  return { title, cell: ({ values }) => (values[name] === undefined ? MISSING : show(values[name].median)) };
}

/** A column of what a value is compared with. */
function bound(title: string, name: string, show: (value: number) => string): Column {
  const boundOf = (value: Value | undefined) => value?.atLeast ?? value?.atMost ?? null;
  return {
    title,
    cell: ({ values }) => {
      const value = boundOf(values[name]);
      return value === null ? MISSING : show(value);
    },
  };
}

/** What a section's verdict looks at, and how it names a miss. */
const JUDGED = {
  oneTcp: {
    shareRatio: "share",
    toBetterLineRatio: "below the better line",
    loadedP95Ms: "ping",
    redundancyRatio: "redundancy",
  },
  start: { startToIdealRatio: "time" },
  cut: { cutLost: "lost", cutGapMs: "gap", cutRecoveredMs: "recovery", cutReturnedMs: "return" },
  spike: { spikeLost: "lost", spikeLate: "late", spikeShareRatio: "TCP" },
  flap: { flapLost: "lost", flapShareRatio: "TCP" },
} as const;

function verdictOf(group: keyof typeof JUDGED): Column {
  const words = Object.entries(JUDGED[group]);
  return {
    title: "result",
    cell: ({ values }) => {
      if (words.every(([name]) => values[name]?.ok == null)) return "";
      const misses = words.filter(([name]) => values[name]?.ok === false).map(([, word]) => word);
      return misses.length === 0 ? "ok" : `miss: ${misses.join(", ")}`;
    },
  };
}

/** The tables of cases, in their order. */
export const SECTIONS: readonly Section[] = [
  {
    title:
      "One TCP connection (share: of the goodput limit, the sum of the lines less all headers; start: of the warm-up)",
    columns: [
      of("limit", "limitKbps", mbit),
      of("1 TCP", "goodputKbps", mbit),
      of("share", "shareRatio", percent),
      { title: "range", cell: ({ values, rounds }) => (rounds > 1 ? range(values["shareRatio"], percent) : "") },
      bound("reach", "shareRatio", percent),
      of("start", "startShareRatio", percent),
      of("better line", "betterLineKbps", mbit),
      { title: "ping idle", cell: ({ values }) => pair(values["idleP50Ms"], values["idleP95Ms"]) },
      { title: "loaded p50 / p95", cell: ({ values }) => pair(values["loadedP50Ms"], values["loadedP95Ms"]) },
      bound("at most", "loadedP95Ms", ms),
      of("sent again", "retransmittedRatio", percent),
      of("copies", "duplicatedRatio", percent),
      bound("at most", "redundancyRatio", percent),
      of("reports", "farControlRatio", (value) => `${(value * 100).toFixed(2)} %`),
      verdictOf("oneTcp"),
    ],
  },
  {
    title: "Eight TCP connections, and UDP at 90 % of the limit",
    columns: [
      of("8 TCP", "eightTcpKbps", mbit),
      of("share", "eightTcpShareRatio", percent),
      of("UDP", "udpKbps", mbit),
      of("lost", "udpLostRatio", (value) => `${(value * 100).toFixed(2)} %`),
      of("reordered", "udpReordered", count),
    ],
  },
  {
    title: "10 MB from the idle bond (ideal: what TCP needs on one line with the goodput of all)",
    columns: [
      of("took", "startMs", ms),
      of("ideal", "startIdealMs", ms),
      of("to ideal", "startToIdealRatio", times),
      { title: "range", cell: ({ values, rounds }) => (rounds > 1 ? range(values["startToIdealRatio"], times) : "") },
      bound("at most", "startToIdealRatio", times),
      verdictOf("start"),
    ],
  },
  {
    title: "The line that carries a call of 200 datagrams/s is cut for 5 s, beside one TCP connection",
    columns: [
      of("out after", "cutOutMs", ms),
      of("lost", "cutLost", count),
      of("longest gap", "cutGapMs", ms),
      of("TCP at 80 % of the rest", "cutRecoveredMs", msOrNever),
      of("TCP meanwhile", "cutShareRatio", percent),
      of("line back", "cutBackMs", ms),
      of("TCP at 80 % of all", "cutReturnedMs", msOrNever),
      verdictOf("cut"),
    ],
  },
  {
    title: "The line that carries a call has an RTT of 2 s for 15 s, beside one TCP connection",
    columns: [
      of("lost", "spikeLost", count),
      of("late", "spikeLate", count),
      of("slowest", "spikeSlowestMs", ms),
      of("TCP, of the other lines", "spikeShareRatio", percent),
      verdictOf("spike"),
    ],
  },
  {
    title: "The line that carries a call is dead every other 2 s for 16 s, beside one TCP connection",
    columns: [
      of("lost", "flapLost", count),
      of("longest gap", "flapGapMs", ms),
      of("TCP, of the other lines", "flapShareRatio", percent),
      verdictOf("flap"),
    ],
  },
];

function range(value: Value | undefined, show: (value: number) => string): string {
  return value === undefined ? MISSING : `${show(value.least)} – ${show(value.most)}`;
}

function pair(p50: Value | undefined, p95: Value | undefined): string {
  return p50 === undefined || p95 === undefined ? MISSING : `${Math.round(p50.median)} / ${ms(p95.median)}`;
}

export function mbit(kbps: number): string {
  return (kbps / 1000).toFixed(1);
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(2)} x`;
}

function msOrNever(value: number): string {
  return value >= NEVER_MS ? "never" : ms(value);
}

function count(value: number): string {
  return String(value);
}

export function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
