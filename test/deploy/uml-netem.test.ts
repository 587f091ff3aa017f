import { beforeAll, describe, expect, it } from "vitest";
import type { RunResult } from "../lab/result.ts";
import { missingForDebian } from "../support/debian-packages.ts";
import { scriptCommand } from "../support/script.ts";
import { runInUml, UML_PACKAGES, umlObstacle } from "../support/uml.ts";
import type { LineFacts, NetemReport } from "./netem-report.ts";

const missing = missingForDebian(UML_PACKAGES);
const obstacle = missing === "" ? (umlObstacle() ?? "") : missing;
/** A CI that cannot run this fails. */
const isSkipped = obstacle !== "" && process.env["CI"] === undefined;

/** Boots one kernel, measures everything in it, and judges afterwards. One processor, so the bounds are wide. */
describe.skipIf(isSkipped)(`the lab over the kernel's own netem${obstacle && ` (skipped: ${obstacle})`}`, () => {
  let report: NetemReport;
  let lines: LineFacts;
  let bond: RunResult;

  beforeAll(async () => {
    if (obstacle !== "") throw new Error(obstacle);
    const output = await runInUml(scriptCommand("../deploy/netem-main.ts"), { deadlineMs: 560_000 });
    report = JSON.parse(output);
    lines = report.lines;
    const run = report.lab.runs[0];
    if (run === undefined) throw new Error(`the lab measured nothing: ${output}`);
    bond = run;
  }, 580_000);

  it("uses netem, not an emulator of its own", () => {
    expect([lines.kind, report.lab.lines]).toEqual(["netem", "netem"]);
  });

  it.each(["first", "first6"] as const)("delays by what is asked for: %s", (name) => {
    expect(lines[name].received).toBe(lines[name].sent);
    expect(lines[name].p50Ms).toBeGreaterThanOrEqual(50);
    expect(lines[name].p50Ms).toBeLessThan(60);
  });

  it("varies the delay and loses packets", () => {
    const { sent, received, p50Ms, p95Ms } = lines.second;
    expect(received).toBeLessThan(sent);
    expect(received).toBeGreaterThan(sent * 0.8);
    expect((p95Ms ?? 0) - (p50Ms ?? 0)).toBeGreaterThan(5);
  });

  it("gives TCP the rate of the line, also after a change", () => {
    const limitKbps = (8000 * 1448) / 1500;
    expect(lines.goodputKbps).toBeGreaterThan(limitKbps * 0.7);
    expect(lines.goodputKbps).toBeLessThan(limitKbps * 1.1);
    expect(lines.halvedKbps).toBeLessThan((limitKbps / 2) * 1.15);
  });

  it("spikes, cuts and restores", () => {
    expect(lines.spike.p50Ms).toBeGreaterThanOrEqual(250);
    expect(lines.cut.received).toBe(0);
    expect(lines.restored.received).toBe(lines.restored.sent);
    expect(lines.restored.p50Ms).toBeLessThan(70);
  });

  it("drops packets above an MTU without a word", () => {
    expect(lines.mtu).toEqual({ bytes1400: true, bytes1401: false, afterwards: true });
  });

  it("shapes the line of the lab in containers", () => {
    const { said, living, cut } = report.container;
    expect(said).toContain("the line is shaped by the kernel's netem");
    expect(living.received).toBe(living.sent);
    expect(living.p50Ms).toBeGreaterThanOrEqual(40);
    expect(living.p50Ms).toBeLessThan(60);
    expect(cut.received).toBe(0);
  });

  it("carries one TCP connection over all three lines", () => {
    expect(bond.error).toBeNull();
    const { goodputKbps = 0, limitKbps = 0 } = bond.oneTcp ?? {};
    // More than two of the three lines could.
    expect(goodputKbps).toBeGreaterThan(limitKbps * 0.7);
  });

  it("goes on when a line is cut, and takes it back", () => {
    const cut = bond.cut;
    expect(cut?.outMs ?? Number.POSITIVE_INFINITY).toBeLessThan(4000);
    expect(cut?.longestGapMs ?? Number.POSITIVE_INFINITY).toBeLessThan(2000);
    expect(cut?.goodputKbps ?? 0).toBeGreaterThan(1000);
    expect(cut?.backMs ?? Number.POSITIVE_INFINITY).toBeLessThan(15_000);
  });
});
