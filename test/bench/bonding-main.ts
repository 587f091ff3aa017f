/** `npm run bench:bonding`: wanbond beside gretap tunnels under the kernel's bonding driver, over true netem. */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { EX_UNAVAILABLE } from "../../packages/shared/src/errors.ts";
import { execute } from "../support/netns.ts";
import { scriptCommand } from "../support/script.ts";
import { runInUml, umlObstacle } from "../support/uml.ts";
import { bondingSections, bondingTroubles } from "./bonding-report.ts";
import type { BondingResult } from "./bonding-result.ts";
import { DOCUMENT, FORMATTER, placeBonding, renderSection } from "./document.ts";
import { tableOf } from "./report.ts";

const HELP = `Usage: npm run bench:bonding -- [options]

Boots Debian's user-mode Linux (apt-get install user-mode-linux kmod), as this machine's kernel may have neither netem
nor bonding, and measures in it, over the same lines: gretap tunnels under the kernel's bonding driver, and wanbond.
Needs root. Takes about ten minutes.

  --lines NAME,...    scenarios of the lab (default: slow3,slow-mixed)
  --seconds N         length of every figure (default: 12)
  --warmup N          seconds of load before each (default: 8)
  --json              the result as JSON on stdout
  --doc               write the tables into docs/benchmarks.md
  --help              this text
`;

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "slow3,slow-mixed" },
    seconds: { type: "string", default: "12" },
    warmup: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
    doc: { type: "boolean", default: false },
    help: { type: "boolean", default: false, short: "h" },
  },
});

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const obstacle = umlObstacle();
  if (obstacle !== null) {
    console.error(obstacle);
    return EX_UNAVAILABLE;
  }
  const guest = scriptCommand("../bench/bonding-guest-main.ts", values.seconds, values.warmup, values.lines);
  const onLine = (line: string) => console.error(line);
  const result: BondingResult = JSON.parse(await runInUml(guest, { deadlineMs: 3_600_000, onLine }));
  const sections = bondingSections(result);
  const texts = sections.map((section) => [section.title, ...section.notes, tableOf(section)].join("\n"));
  console.log(values.json ? JSON.stringify(result, null, 2) : `\n${texts.join("\n\n")}`);
  const troubles = bondingTroubles(result);
  for (const trouble of troubles) console.error(trouble);
  if (values.doc) await writeTables(sections.map(renderSection));
  return troubles.length === 0 ? 0 : 1;
}

async function writeTables(sections: readonly string[]): Promise<void> {
  const command = ["npm run bench:bonding --", ...process.argv.slice(2)].join(" ");
  const intro = `What follows is written by \`${command}\`.`;
  writeFileSync(DOCUMENT, placeBonding(readFileSync(DOCUMENT, "utf8"), [intro, ...sections].join("\n\n")));
  await execute([FORMATTER, "format", "--write", DOCUMENT]);
}

process.exitCode = await main();
