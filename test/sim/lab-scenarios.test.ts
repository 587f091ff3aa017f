import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SCENARIOS, type Scenario } from "../lab/scenarios.ts";
import type { DirectionSettings, LineSettings } from "../support/emulator-settings.ts";

/**
 * The lines of each scenario: "count x down/up Mbit/s, delay ± PDV ms, loss %, down/up buffer in kB", where both directions
 * are alike in one number. Published figures are of these lines: who changes one of them measures again.
 */
const LINES: Readonly<Record<string, readonly string[]>> = {
  equal3: ["3 x 20 Mbit/s, 25 ± 0 ms, 0 %, 125 kB"],
  article3g: ["6 x 8/0.5 Mbit/s, 60 ± 0 ms, 0 %, 1000/62.5 kB, down 2 to 8 Mbit/s"],
  asym: [
    "1 x 30/10 Mbit/s, 15 ± 0 ms, 0 %, 187.5/65.536 kB",
    "1 x 20/1 Mbit/s, 25 ± 0 ms, 0 %, 125/65.536 kB",
    "1 x 12/5 Mbit/s, 45 ± 15 ms, 0.3 %, 75/65.536 kB",
  ],
  wild: ["1 x 100/20 Mbit/s, 20 ± 0 ms, 0 %, 625/125 kB", "1 x 8/1 Mbit/s, 60 ± 0 ms, 0 %, 65.536 kB"],
  "fiber-cable": ["1 x 300 Mbit/s, 10 ± 0 ms, 0 %, 1875 kB", "1 x 80 Mbit/s, 30 ± 0 ms, 0 %, 500 kB"],
  slow3: ["3 x 2/1 Mbit/s, 30 ± 0 ms, 0 %, 65.536 kB"],
  "slow-mixed": [
    "1 x 3/1 Mbit/s, 30 ± 0 ms, 0 %, 65.536 kB",
    "1 x 2/0.5 Mbit/s, 45 ± 0 ms, 0 %, 65.536 kB",
    "1 x 1/0.5 Mbit/s, 60 ± 8 ms, 0.3 %, 65.536 kB",
  ],
  baseline: ["2 x 50 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB"],
  rtt_40: ["1 x 50 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB", "1 x 50 Mbit/s, 40 ± 0 ms, 0 %, 1500 kB"],
  rtt_70: ["1 x 50 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB", "1 x 50 Mbit/s, 70 ± 0 ms, 0 %, 1500 kB"],
  rtt_120: ["1 x 50 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB", "1 x 50 Mbit/s, 120 ± 0 ms, 0 %, 1500 kB"],
  rtt_320: ["1 x 50 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB", "1 x 50 Mbit/s, 320 ± 0 ms, 0 %, 1500 kB"],
  jit_5: ["2 x 50 Mbit/s, 20 ± 5 ms, 0 %, 1500 kB"],
  jit_20: ["2 x 50 Mbit/s, 20 ± 20 ms reordering, 0 %, 1500 kB"],
  loss_05: ["2 x 50 Mbit/s, 20 ± 0 ms, 0.5 %, 1500 kB"],
  loss_2: ["2 x 50 Mbit/s, 20 ± 0 ms, 2 %, 1500 kB"],
  bw_4to1: ["1 x 50 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB", "1 x 12 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB"],
  bw_10to1: ["1 x 100 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB", "1 x 10 Mbit/s, 20 ± 0 ms, 0 %, 1500 kB"],
  dual_lte: [
    "1 x 40 Mbit/s, 30 ± 5 ms reordering, 0.5 %, 1500 kB",
    "1 x 25 Mbit/s, 45 ± 8 ms reordering, 0.5 %, 1500 kB",
  ],
  fiber_lte: ["1 x 300 Mbit/s, 8 ± 0 ms, 0 %, 1500 kB", "1 x 30 Mbit/s, 40 ± 8 ms, 0.5 %, 1500 kB"],
  lte_starlink: ["1 x 40 Mbit/s, 35 ± 8 ms, 0 %, 1500 kB", "1 x 100 Mbit/s, 50 ± 25 ms, 1 %, 1500 kB"],
  lte_geo: ["1 x 40 Mbit/s, 35 ± 0 ms, 0 %, 1500 kB", "1 x 20 Mbit/s, 320 ± 20 ms, 0.5 %, 1500 kB"],
  congested: [
    "1 x 20 Mbit/s, 50 ± 20 ms reordering, 2 %, 1500 kB",
    "1 x 15 Mbit/s, 60 ± 25 ms reordering, 2 %, 1500 kB",
  ],
};

/** Lines that are alike are one entry. */
function linesOf({ lines, wander }: Scenario): string[] {
  const range = wander === undefined ? "" : `, down ${wander.fromKbps / 1000} to ${wander.toKbps / 1000} Mbit/s`;
  const counts = new Map<string, number>();
  for (const each of lines) {
    const text = textOf(each) + range;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `${count} x ${text}`);
}

function textOf({ down, up }: LineSettings): string {
  const both = (read: (direction: DirectionSettings) => string | number) =>
    read(down) === read(up) ? `${read(down)}` : `${read(down)}/${read(up)}`;
  const delay = both(({ delayMs, pdvMs, reorders }) => `${delayMs} ± ${pdvMs} ms${reorders ? " reordering" : ""}`);
  const loss = both(({ lossRatio }) => 100 * lossRatio);
  const queue = both(({ queueBytes }) => queueBytes / 1000);
  return `${both(({ rateKbps }) => rateKbps / 1000)} Mbit/s, ${delay}, ${loss} %, ${queue} kB`;
}

describe("the lab's scenarios", () => {
  it.each(SCENARIOS)("$name: $description", (scenario) => {
    expect(linesOf(scenario)).toEqual(LINES[scenario.name]);
  });

  it("are these, in this order", () => expect(SCENARIOS.map(({ name }) => name)).toEqual(Object.keys(LINES)));

  it("are as many as the README says", () => {
    expect(readFileSync(new URL("../../README.md", import.meta.url), "utf8")).toContain(
      `# ${SCENARIOS.length} sets of lines`,
    );
  });
});
