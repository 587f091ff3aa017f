/**
 * `npm test`: the static checks and every vitest project. Arguments go to vitest: `npm test -- --project unit`.
 * The last line sums it all up as "N passed, N failed"; the exit status is 1 when anything failed or nothing ran.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { addTallies, type Tally, tallyLine, tallyReport, type VitestReport } from "./support/test-summary.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const env = { ...process.env, PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}:/usr/sbin:/sbin` };
const PASSED: Tally = { passed: 1, failed: 0, skipped: 0 };
const FAILED: Tally = { passed: 0, failed: 1, skipped: 0 };

const CHECKS = [["biome", "ci", "."], ["tsc"], ["knip"]];

/** Shows a check's output only when it fails. */
function runCheck(command: readonly string[]): Tally {
  const [program = "", ...parameters] = command;
  const ended = spawnSync(program, parameters, { cwd: root, env, encoding: "utf8" });
  const passed = ended.status === 0;
  console.log(`${passed ? " ✓" : " ✗"} ${command.join(" ")}`);
  if (!passed) console.log(`${ended.stdout ?? ""}${ended.stderr ?? ""}${ended.error?.message ?? ""}`);
  return passed ? PASSED : FAILED;
}

function runVitest(parameters: readonly string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), "wanbond-test-"));
  const reportFile = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
  const command = ["run", "--config", "test/vitest.config.ts", ...reporters, ...parameters];
  const ended = spawnSync("vitest", command, { cwd: root, env, stdio: "inherit" });
  try {
    const report: VitestReport = JSON.parse(readFileSync(reportFile, "utf8"));
    const tally = tallyReport(report);
    // An unhandled rejection fails a run in which every test passed.
    return ended.status !== 0 && tally.failed === 0 ? addTallies(tally, FAILED) : tally;
  } catch (error) {
    console.log(`vitest left no report: ${String(error)}`);
    return FAILED;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const checks = CHECKS.map(runCheck).reduce(addTallies);
const tests = runVitest(process.argv.slice(2));
const total = addTallies(checks, tests);
if (tests.passed + tests.failed === 0) console.log("No test ran.");
console.log(tallyLine(total));
process.exit(total.failed === 0 && tests.passed > 0 ? 0 : 1);
