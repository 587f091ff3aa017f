import { type LineSettings, line } from "../support/emulator-settings.ts";
import { PROFILES } from "./profiles.ts";

/** A set of lines with a name. Delays are one way, the same both ways. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly lines: readonly LineSettings[];
  /** The rate down wanders between these, each line for itself, as radio cells do. */
  readonly wander?: { readonly fromKbps: number; readonly toKbps: number };
}

const MBIT = 1000;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "equal3",
    description: "3 × 20/20 Mbit/s, 25 ms",
    lines: times(3, () => line(20 * MBIT, 20 * MBIT, 25)),
  },
  {
    name: "article3g",
    description: "6 × 8/0.5 Mbit/s, 60 ms, down wandering 2–8 Mbit/s, buffers of 1 s",
    lines: times(6, () => line(8 * MBIT, 0.5 * MBIT, 60, { queueMs: 1000 })),
    wander: { fromKbps: 2 * MBIT, toKbps: 8 * MBIT },
  },
  {
    name: "asym",
    description: "30/10 Mbit/s 15 ms + 20/1 Mbit/s 25 ms + 12/5 Mbit/s 45 ± 15 ms with 0.3 % loss",
    lines: [
      line(30 * MBIT, 10 * MBIT, 15),
      line(20 * MBIT, 1 * MBIT, 25),
      line(12 * MBIT, 5 * MBIT, 45, { pdvMs: 15, lossRatio: 0.003 }),
    ],
  },
  {
    name: "wild",
    description: "100/20 Mbit/s 20 ms + 8/1 Mbit/s 60 ms",
    lines: [line(100 * MBIT, 20 * MBIT, 20), line(8 * MBIT, 1 * MBIT, 60)],
  },
  {
    name: "fiber-cable",
    description: "300/300 Mbit/s 10 ms + 80/80 Mbit/s 30 ms",
    lines: [line(300 * MBIT, 300 * MBIT, 10), line(80 * MBIT, 80 * MBIT, 30)],
  },
  {
    name: "slow3",
    description: "3 × 2/1 Mbit/s, 30 ms",
    lines: times(3, () => line(2 * MBIT, 1 * MBIT, 30)),
  },
  {
    name: "slow-mixed",
    description: "3/1 Mbit/s 30 ms + 2/0.5 Mbit/s 45 ms + 1/0.5 Mbit/s 60 ± 8 ms with 0.3 % loss",
    lines: [
      line(3 * MBIT, 1 * MBIT, 30),
      line(2 * MBIT, 0.5 * MBIT, 45),
      line(1 * MBIT, 0.5 * MBIT, 60, { pdvMs: 8, lossRatio: 0.003 }),
    ],
  },
  ...PROFILES,
];

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}
