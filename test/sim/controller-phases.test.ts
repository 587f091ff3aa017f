import { describe, expect, it } from "vitest";
import type { ControllerPhase } from "../../packages/shared/src/aggregate/path-controller.ts";
import { SharedBottleneck } from "../../packages/shared/src/aggregate/shared-bottleneck.ts";
import { VirtualQueueController } from "../../packages/shared/src/aggregate/virtual-queue-controller.ts";
import { runSituation, type Situation } from "../support/controller-rig.ts";
import { SITUATIONS } from "../support/controller-situations.ts";

function situation(name: string): Situation {
  const found = SITUATIONS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no situation "${name}"`);
  return found;
}

/** The controller's phases in the order in which it entered them, and its figures at the end. */
function phases(of: Situation) {
  const entered: ControllerPhase[] = [];
  let last = new VirtualQueueController();
  runSituation(
    of,
    () => new VirtualQueueController(),
    1,
    (_nowMs, controller) => {
      if (controller.phase !== entered.at(-1)) entered.push(controller.phase);
      last = controller as VirtualQueueController;
    },
  );
  return { entered, end: last.explain(of.runMs) };
}

describe("VirtualQueueController on a simulated line", () => {
  it("goes from the start to the steady state, and stays there", () => {
    expect(phases(situation("20 Mbit, 50 ms")).entered).toEqual(["startup", "steady"]);
  });

  it("takes a line that drops above a rate for policed", () => {
    const { entered, end } = phases(situation("policer 10 Mbit, 30 kB"));
    expect(entered).toEqual(["startup", "policed"]);
    expect(end.rateKbps).toBeGreaterThan(9500);
    expect(end.rateKbps).toBeLessThan(12_500);
  });

  it("does not take chance for a limit", () => {
    const { entered, end } = phases(situation("5 % loss"));
    expect(entered.at(-1)).toBe("steady");
    expect(end.rateKbps).toBeGreaterThan(19_000);
  });

  it("competes with a neighbour that fills the buffer, and stops when it has gone", () => {
    const { entered } = phases(situation("after a cubic neighbour"));
    expect(entered).toContain("competing");
    expect(entered.at(-1)).toBe("steady");
  });

  it("takes the late frames of a line whose noise it does not know yet for no neighbour's", () => {
    const line = { rateKbps: 200_000, delayMs: 80, pdvMs: 30, queueMs: 500, lossRatio: 0.01 };
    const { entered } = phases({ name: "long start", line, backMs: 80, runMs: 8_000, fromMs: 4_000 });
    expect(entered).not.toContain("competing");
  });

  it("keeps its rate through a spike, which it takes for a longer line, and drains what the spike left", () => {
    const { entered, end } = phases(situation("spike of 1 s"));
    expect(entered).toEqual(["startup", "steady", "foreign", "steady"]);
    expect(end.rateKbps).toBeGreaterThan(19_000);
    expect(end.lineQueueMs).toBeLessThan(25);
    expect(end.rttMinMs).toBeLessThan(100);
  });

  it("takes a line that became longer for good for what it is now", () => {
    const { end } = phases(situation("route +150 ms for good"));
    expect(end.rttMinMs).toBeGreaterThan(195);
    expect(end.lineQueueMs).toBeLessThan(25);
  });

  it("knows its rate again at once after an outage", () => {
    const outage = situation("outage of 3 s");
    const { use } = runSituation({ ...outage, fromMs: 7000, runMs: 8000 }, () => new VirtualQueueController(), 1);
    expect(use).toBeGreaterThan(0.9);
  });

  it("does not believe an old rate when traffic comes back: a line that fell to a quarter meets no long queue", () => {
    const { queueP95Ms } = runSituation(
      situation("the line 4x slower after idling"),
      () => new VirtualQueueController(),
      1,
    );
    expect(queueP95Ms).toBeLessThan(40);
  });

  it.each([
    ["2 Mbit/s, traffic for 100 ms of every 200", 2_000, 100],
    ["2 Mbit/s, traffic for 300 ms of every 400", 2_000, 300],
    ["8 Mbit/s, traffic for 200 ms of every 300", 8_000, 200],
  ])("takes what a source leaves free neither for a slower line nor for room: %s", (name, rateKbps, onMs) => {
    const line = { rateKbps, delayMs: 25, queueMs: 500 };
    const source = (nowMs: number) => (nowMs < 2_000 || nowMs % (onMs + 100) < onMs ? "greedy" : 0);
    let leastKbps = Number.POSITIVE_INFINITY;
    const { queueP95Ms } = runSituation(
      { name, line, source, backMs: 25, runMs: 12_000, fromMs: 3_000 },
      () => new VirtualQueueController(),
      1,
      (nowMs, controller) => {
        if (nowMs > 3_000) leastKbps = Math.min(leastKbps, 8 * controller.rateBytesPerMs);
      },
    );
    // Bursts leave a queue at their end, and less arrived in the window than the line carries.
    expect(leastKbps).toBeGreaterThan(0.95 * rateKbps);
    expect(queueP95Ms).toBeLessThan(25);
  });

  it("tells two paths of one line from two lines", () => {
    expect(sharing(situation("two paths, one line"), 12_000)).toBe(true);
    expect(sharing({ ...situation("PDV 5 ms in order"), twins: false }, 12_000)).toBe(false);
  });
});

/** Whether two paths are found to share a line: on the same, or each on one of its own with another seed. */
function sharing(of: Situation, runMs: number): boolean {
  const bottleneck = new SharedBottleneck();
  const told: { path: number; owdMs: number; nowMs: number }[] = [];
  const makeFor = (path: number) => new VirtualQueueController((owdMs, nowMs) => told.push({ path, owdMs, nowMs }));
  if (of.twins) runSituation({ ...of, runMs }, makeFor, 1);
  else for (const path of [0, 1]) runSituation({ ...of, runMs }, () => makeFor(path), 1 + path);
  told.sort((a, b) => a.nowMs - b.nowMs);
  let lookMs = 0;
  for (const { path, owdMs, nowMs } of told) {
    bottleneck.addSample(path, owdMs, nowMs);
    if (nowMs < lookMs) continue;
    lookMs = nowMs + 1000;
    bottleneck.look([0, 1], nowMs);
  }
  return bottleneck.isShared(0, 1);
}
