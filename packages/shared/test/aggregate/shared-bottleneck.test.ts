import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../test/support/random.ts";
import { SharedBottleneck } from "../../src/aggregate/shared-bottleneck.ts";

const PATHS = [0, 1, 2, 3];

/** Walks of the delay, new every 100 ms; each path sees the walk of its line, a noise of its own, and its own length. */
function run(lineOf: readonly number[], seconds: number, seen: (bottleneck: SharedBottleneck, nowMs: number) => void) {
  const random = seededRandom(5);
  const bottleneck = new SharedBottleneck();
  const queues = [10, 10, 10, 10];
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 100) {
    for (let line = 0; line < queues.length; line++) {
      queues[line] = Math.max(0, Math.min(25, (queues[line] ?? 0) + 6 * (random() - 0.5)));
    }
    for (const path of PATHS) {
      const queueMs = queues[lineOf[path] ?? 0] ?? 0;
      for (let at = nowMs; at < nowMs + 100; at += 10) {
        bottleneck.addSample(path, 1000 + 17 * path + queueMs + random(), at);
      }
    }
    if (nowMs % 1000 === 900) seen(bottleneck, nowMs + 100);
  }
  return bottleneck;
}

describe("SharedBottleneck", () => {
  it("finds the paths of one line, within 15 s, and no others", () => {
    let foundMs = 0;
    const bottleneck = run([0, 1, 0, 2], 60, (found, nowMs) => {
      if (found.look(PATHS, nowMs) && foundMs === 0) foundMs = nowMs;
    });
    expect(foundMs).toBeLessThan(15_000);
    const pairs = PATHS.flatMap((a) => PATHS.filter((b) => b > a && bottleneck.isShared(a, b)).map((b) => [a, b]));
    expect(pairs).toEqual([[0, 2]]);
    expect(PATHS.map((path) => bottleneck.countFor(path, PATHS))).toEqual([2, 1, 2, 1]);
  });

  it("counts a group once, however many pairs were found in it", () => {
    const bottleneck = run([0, 0, 0, 1], 30, (found, nowMs) => found.look(PATHS, nowMs));
    expect(PATHS.map((path) => bottleneck.countFor(path, PATHS))).toEqual([3, 3, 3, 1]);
    expect(bottleneck.countFor(0, [0, 1])).toBe(2);
  });

  it("takes it back when the paths go separate ways", () => {
    const line = [0, 0, 1, 2];
    const changes: number[] = [];
    run(line, 90, (found, nowMs) => {
      if (nowMs === 30_000) line[1] = 3;
      if (found.look(PATHS, nowMs)) changes.push(nowMs);
    });
    expect(changes).toHaveLength(2);
    expect(changes[1]).toBeGreaterThan(30_000);
    expect(changes[1]).toBeLessThan(55_000);
  });

  it("says nothing of delays that hardly move, of few samples, and of paths that were not loaded at the same time", () => {
    const bottleneck = new SharedBottleneck();
    for (let nowMs = 0; nowMs < 20_000; nowMs += 10) {
      bottleneck.addSample(0, 20 + 0.2 * Math.sin(nowMs), nowMs);
      bottleneck.addSample(1, 30 + 0.2 * Math.sin(nowMs), nowMs);
      const even = Math.floor(nowMs / 200) % 2 === 0;
      bottleneck.addSample(even ? 2 : 3, 5 * Math.sin(nowMs), nowMs);
    }
    expect(bottleneck.correlation(0, 1, 20_000)).toBeNaN();
    expect(bottleneck.correlation(2, 3, 20_000)).toBeNaN();
    expect(bottleneck.look(PATHS, 20_000)).toBe(false);
  });
});
