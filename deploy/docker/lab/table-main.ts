/** Prints what `lab.sh run` has measured: reads Measurement as JSON on standard input. */
import { text } from "node:stream/consumers";
import { renderTable } from "../../../test/lab/report.ts";
import { quantile } from "../../../test/support/statistics.ts";

interface Member {
  readonly name: string;
  readonly state: string;
  readonly rttMs: number | null;
  readonly txBytes: number;
  readonly rxBytes: number;
}

/** `wanbond status --json`, as far as it is shown. */
interface Status {
  readonly bonds: readonly { readonly policy: string; readonly members: readonly Member[] }[];
}

interface Measurement {
  readonly seconds: number;
  /** Before and after the transfer. */
  readonly before: Status;
  readonly after: Status;
  /** `iperf3 --json`. */
  readonly tcp: {
    readonly error?: string;
    readonly end: { readonly sum_received?: { readonly bits_per_second: number } };
  };
  /** Round trips in ms, on the quiet bond and beside the transfer. */
  readonly idleMs: readonly number[];
  readonly loadedMs: readonly number[];
  /** By what each line is emulated. */
  readonly lines: readonly {
    readonly kind: string;
    readonly state: { readonly down: { readonly rateKbps: number } };
  }[];
}

const NONE = "–";

function mbit(kbps: number): string {
  return (kbps / 1000).toFixed(1);
}

function ping(timesMs: readonly number[]): string {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const ms = (q: number) => quantile(sorted, q)?.toFixed(0) ?? NONE;
  return `${ms(0.5)} / ${ms(0.95)} ms`;
}

function memberRows({ before, after, lines, seconds }: Measurement): string[][] {
  const members = after.bonds[0]?.members ?? [];
  const moved = members.map((member) => {
    const earlier = before.bonds[0]?.members.find(({ name }) => name === member.name);
    return member.rxBytes - (earlier?.rxBytes ?? 0);
  });
  const sum = Math.max(
    1,
    moved.reduce((total, bytes) => total + bytes, 0),
  );
  return members.map(({ name, state, rttMs }, index) => {
    const bytes = moved[index] ?? 0;
    const line = lines[index];
    return [
      name,
      state,
      rttMs === null ? NONE : `${rttMs.toFixed(0)} ms`,
      line === undefined ? NONE : mbit(line.state.down.rateKbps),
      mbit((bytes * 8) / 1000 / seconds),
      `${((100 * bytes) / sum).toFixed(0)} %`,
    ];
  });
}

function render(measurement: Measurement): string {
  const { tcp, idleMs, loadedMs, after, seconds, lines } = measurement;
  const received = tcp.end.sum_received?.bits_per_second;
  const goodput = received === undefined ? `failed: ${tcp.error}` : `${mbit(received / 1000)} Mbit/s`;
  const kinds = [...new Set(lines.map(({ kind }) => kind))].join(", ");
  return [
    `policy ${after.bonds[0]?.policy ?? NONE}, lines by ${kinds}`,
    `one TCP connection, download, ${seconds} s:  ${goodput}`,
    `ping p50 / p95:  ${ping(idleMs)} idle, ${ping(loadedMs)} beside it`,
    "",
    renderTable(["member", "state", "RTT", "line Mbit/s", "received Mbit/s", "share"], memberRows(measurement)),
  ].join("\n");
}

const measurement: Measurement = JSON.parse(await text(process.stdin));
console.log(render(measurement));
if (measurement.tcp.end.sum_received === undefined) process.exitCode = 1;
