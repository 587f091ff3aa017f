import { describe, expect, it } from "vitest";
import type { SimFlow } from "../support/sim-traffic.ts";
import { addressOf, SimWorld } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 20, queueMs: 300 };
/** 80 Mbit/s for two lines of 20 Mbit/s, of somebody who does not slow down. */
const BULK = { framesPerSecond: 8000, frameBytes: 1300 };
/** What a film needs, in frames too long to go out before others. */
const FILM = { framesPerSecond: 400, frameBytes: 1200 };
const WARM_MS = 1500;
const RUN_MS = 3000;

/** Downloads of so many greedy clients, and a film that somebody watches. */
function downloads(greedyCount: number): { world: SimWorld; film: SimFlow; fromMs: number } {
  const links = Array.from({ length: greedyCount + 1 }, () => [
    { up: LINE, down: LINE },
    { up: LINE, down: LINE },
  ]);
  const world = new SimWorld({ links, policy: "aggregate" }).run(3000);
  const from = world.concentrator;
  for (let index = 0; index < greedyCount; index++) world.cbr({ from, destination: addressOf(index), ...BULK });
  world.run(WARM_MS);
  const fromMs = world.nowMs;
  const film = world.cbr({ from, destination: addressOf(greedyCount), ...FILM, untilMs: fromMs + RUN_MS });
  world.run(RUN_MS + 1000);
  return { world, film, fromMs };
}

describe("a modest client of a concentrator", () => {
  it("loses nothing and waits for nobody, although others ask for all the memory there is", () => {
    const { world, film, fromMs } = downloads(5);
    const { p99Ms } = film.report();
    expect(film.lostBetween(fromMs, fromMs + RUN_MS)).toBe(0);
    expect(p99Ms).toBeLessThan(60);
    const drops = world.concentrator.drops();
    expect(drops["pool-empty"] ?? 0).toBe(0);
    expect(drops["queue-full"]).toBeGreaterThan(1000);
  });
});
