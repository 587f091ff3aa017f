import type { LineMeasurement } from "../../control/index.ts";
import type { Check } from "../facts.ts";
import { about } from "../finding.ts";

/** Uplinks that are one line further on: two cards in one cell, two boxes behind one modem. */
export const checkSharedBottleneck: Check = ({ lines }) => {
  const say = about("shared-bottleneck", null);
  const filled = (lines ?? []).filter(({ capacity }) => capacity !== null);
  const watched = (lines ?? []).filter(({ answers }) => answers);
  if (filled.length === 0 || watched.length < 2) return [];
  // Seen from both sides, where both were filled: a host that is busy for a moment makes every delay rise.
  const confirmed = (one: LineMeasurement, other: string) =>
    filled.find(({ name }) => name === other)?.sharedWith.includes(one.name) ?? true;
  const pairs = new Set(
    filled.flatMap((line) =>
      line.sharedWith.filter((other) => confirmed(line, other)).map((other) => [line.name, other].sort().join(" and ")),
    ),
  );
  if (pairs.size === 0) return [say.ok("no two uplinks share a bottleneck: filling one did not slow the others")];
  return [...pairs].map((pair) =>
    say.warning(
      `${pair} share a bottleneck: while one was full, round trips of the other rose with it; together they carry no more than one`,
      "Use lines of different providers or technologies (or masts), or give up one of the two.",
    ),
  );
};
