import { describe, expect, it } from "vitest";
import { FeedbackRecorder } from "../../src/aggregate/index.ts";
import type { Path, Peer } from "../../src/peer/index.ts";
import type { ControlChannel } from "../../src/pipeline/control-channel.ts";
import { Reporter } from "../../src/pipeline/reporter.ts";
import { DuplicateFilter, Resequencer } from "../../src/reseq/index.ts";
import { DatagramView } from "../../src/wire/index.ts";

interface ReturnPath {
  readonly rttMs: number;
  readonly metered?: boolean;
  readonly busy?: boolean;
}

/** The numbers of the paths that four reports in a row take, of these that are usable; a number is a round trip. */
function returnPaths(lines: readonly (number | ReturnPath)[], suspects = 0): number[] {
  const paths = lines.map((line, number) => {
    const { rttMs, metered = false, busy = false } = typeof line === "number" ? { rttMs: line } : line;
    return { number, metered, monitor: { busy, rtt: { smoothedMs: rttMs } } } as Path;
  });
  const output = { slots: new Int32Array(8), count: 0 };
  const resequencer = new Resequencer({ maxHoldMs: 500, maxHeldFrames: 8 }, new DuplicateFilter(), output);
  const byRtt = [...paths].sort((a, b) => a.monitor.rtt.smoothedMs - b.monitor.rtt.smoothedMs);
  const peer = {
    receiver: { reports: new FeedbackRecorder(), resequencer },
    paths,
    reportUntilMs: Number.NEGATIVE_INFINITY,
    reportTurn: false,
    sender: { suspects, rateBytesPerMs: Number.NaN },
    bestPath: (without = 0) => byRtt.find(({ number }) => (without & (1 << number)) === 0),
  } as unknown as Peer;
  const taken: number[] = [];
  const control = {
    feedback: (_peer: Peer, path: Path) => {
      taken.push(path.number);
      return false;
    },
  } as unknown as ControlChannel;
  const reporter = new Reporter(new DatagramView(new Uint8Array(64)), control);
  const arrivedOn = paths[0] ?? ({ number: 0 } as Path);
  reporter.onControl(peer, arrivedOn, 1, 1_400, 0);
  for (const nowMs of [100, 200, 300, 400]) reporter.onTimer(peer, nowMs);
  return taken;
}

describe("reports of arrivals", () => {
  it("go by the two best paths in turn, by the best alone if the other is far, and by none if there is none", () => {
    expect(returnPaths([45, 20, 120])).toEqual([1, 0, 1, 0]);
    expect(returnPaths([20, 120])).toEqual([0, 0, 0, 0]);
    expect(returnPaths([])).toEqual([]);
  });

  it("keep off a path on which what we send does not arrive, unless it is the only one", () => {
    expect(returnPaths([45, 20, 60], 0b010)).toEqual([0, 2, 0, 2]);
    expect(returnPaths([45, 20], 0b010)).toEqual([0, 0, 0, 0]);
    expect(returnPaths([20], 0b001)).toEqual([0, 0, 0, 0]);
  });

  it("keep off metered paths that carry nothing, unless what we send arrives on no other", () => {
    expect(returnPaths([45, { rttMs: 20, metered: true }])).toEqual([0, 0, 0, 0]);
    expect(returnPaths([45, { rttMs: 20, metered: true }, 60])).toEqual([0, 2, 0, 2]);
    expect(returnPaths([45, { rttMs: 20, metered: true, busy: true }])).toEqual([1, 0, 1, 0]);
    expect(returnPaths([45, { rttMs: 20, metered: true }], 0b001)).toEqual([1, 1, 1, 1]);
    expect(returnPaths([{ rttMs: 20, metered: true }])).toEqual([0, 0, 0, 0]);
  });
});
