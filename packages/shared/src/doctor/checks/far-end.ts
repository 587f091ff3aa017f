import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

const SKEW = { note: 2_000, warning: 60_000 } as const;
/** File systems and clocks differ by less. */
const FUTURE_MS = 5_000;

/** Whether the clocks agree: handshakes of a clock that went back look like replays. */
export const checkClock: Check = ({ lines, host }) => {
  const say = about("clock", null);
  const ahead = host.files.filter(({ changedMs }) => changedMs - host.wallMs > FUTURE_MS);
  const [newest] = [...ahead].sort((a, b) => b.changedMs - a.changedMs);
  const jumped =
    newest === undefined
      ? []
      : [
          say.warning(
            `the clock went back: ${newest.file} was changed ${seconds(newest.changedMs - host.wallMs)} s from now`,
            "Set the clock by NTP before wanbond starts: the concentrator takes handshakes of an earlier time for replays.",
          ),
        ];
  const best = (lines ?? [])
    .filter(({ clockSkewMs }) => clockSkewMs !== null)
    .sort((a, b) => (a.clockErrorMs ?? 0) - (b.clockErrorMs ?? 0))[0];
  if (best === undefined || best.clockSkewMs === null) return jumped;
  const text = `the concentrator's clock is ${Math.abs(best.clockSkewMs / 1000).toFixed(2)} s ${best.clockSkewMs < 0 ? "behind" : "ahead of"} this one (± ${Math.ceil(best.clockErrorMs ?? 0)} ms)`;
  const skewMs = Math.abs(best.clockSkewMs);
  const mend = "Set both clocks by NTP; a client's clock must never go back (its handshakes would look like replays).";
  if (skewMs > SKEW.warning) return [...jumped, say.warning(text, mend)];
  return [...jumped, skewMs > SKEW.note ? say.note(text, mend) : say.ok(text)];
};

/** Whether both ends are of one version. */
export const checkVersion: Check = ({ lines, ownVersion }) => {
  const say = about("version", null);
  const far = lines?.find(({ farVersion }) => farVersion !== null)?.farVersion;
  if (far == null) return [say.note(`this end is version ${ownVersion}; the other end's is unknown`)];
  if (far === ownVersion) return [say.ok(`both ends are version ${ownVersion}`)];
  return [
    say.warning(
      `this end is version ${ownVersion}, the concentrator ${far}`,
      "Update the older end; they understand each other, but not in everything.",
    ),
  ];
};

function seconds(ms: number): string {
  return (ms / 1000).toFixed(0);
}
