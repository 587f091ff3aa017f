import { describe, expect, it } from "vitest";
import { INNER_ORDERED, INNER_REPORTED } from "../../packages/shared/src/wire/index.ts";
import { SimIntruder } from "../support/sim-intruder.ts";
import { ipv4Frame, type SimFlow } from "../support/sim-traffic.ts";
import { addressOf, SERVER, SimWorld } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 20, queueMs: 300 };
/** 80 Mbit/s for two lines of 20 Mbit/s, of somebody who does not slow down. */
const BULK = { framesPerSecond: 8000, frameBytes: 1300 };
/** What a film needs, in frames too long to go out before others. */
const FILM = { framesPerSecond: 400, frameBytes: 1200 };
/** An intruder's path, to be put among its others: {} of JSON behind the type, its length and a number. */
const ATTACH = Uint8Array.from([3, 32, 0, 7, 0, 0, 0, ...new TextEncoder().encode('{"name":"x","metered":false}')]);
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

  it("is heard and answered, although two others leave so many holes that all the memory would be held", () => {
    const world = new SimWorld({
      links: [
        [
          { up: LINE, down: LINE },
          { up: LINE, down: LINE },
        ],
        [],
        [],
      ],
      policy: "aggregate",
    }).run(3000);
    const intruders = [1, 2].map((account) => {
      const intruder = new SimIntruder(world, account);
      intruder.control(0, ATTACH);
      const packet = ipv4Frame(addressOf(account), SERVER, 17, new Uint8Array(20)).subarray(14);
      return { intruder, packet };
    });
    const flows = [world.client, world.concentrator].map((from) => world.cbr({ from, ...FILM }));
    world.run(WARM_MS);
    const fromMs = world.nowMs;
    const heldFrames = () => world.concentrator.snapshot().peers.map(({ resequencer }) => resequencer.held);
    let mostHeld = 0;
    for (let i = 0; i < 30_000; i++) {
      for (const { intruder, packet } of intruders) {
        intruder.data(
          0,
          { flags: INNER_ORDERED | INNER_REPORTED, flowSlot: i & 255, sequence: 2 * (i >> 8) + 1 },
          packet,
        );
      }
      if (i % 100 !== 99) continue;
      world.run(1);
      mostHeld = Math.max(
        mostHeld,
        heldFrames().reduce((sum, held) => sum + held, 0),
      );
    }
    world.run(1000);
    for (const flow of flows) expect(flow.lostBetween(fromMs, world.nowMs - 500)).toBe(0);
    for (const flow of flows) expect(flow.report()).toMatchObject({ reordered: 0, corrupted: 0 });
    expect(world.drops()["pool-empty"] ?? 0).toBe(0);
    expect(mostHeld).toBeGreaterThan(8192);
  });
});
