import { expect, it } from "vitest";
import type { AggregateEvent } from "../../packages/shared/src/aggregate/index.ts";
import { payloadRatio } from "../lab/stage.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { SimWorld, type SimWorldOptions } from "../support/sim-world.ts";
import { quantile } from "../support/statistics.ts";
import { Cubic } from "../support/tcp-model.ts";

const LINE_KBPS = 30_000;
/** Two links are known to be one line after 5 to 15 s of a full one. */
const KNOWN_MS = 17_000;
const MEASURED_MS = 6_000;
const UP = { rateKbps: 20_000, delayMs: 20 };

/** After 17 s of one connection that downloads as fast as it can. */
function downloading(options: SimWorldOptions) {
  const world = new SimWorld({ policy: "aggregate", ...options }).run(2_000);
  const { flow } = world.download(new Cubic());
  world.run(KNOWN_MS);
  return { world, flow };
}

function verdicts(world: SimWorld): AggregateEvent[] {
  const decisions = world.concentrator.log.flatMap((event) => (event.type === "aggregate" ? [event.decision] : []));
  return decisions.filter(({ type }) => type === "shared-bottleneck");
}

it("two links that turn out to be one line are told of, keep one short queue in it together, and fill it", () => {
  const links: SimLinkOptions[] = [20, 25].map((delayMs) => ({ up: UP, down: { delayMs } }));
  const commonDown = { rateKbps: LINE_KBPS, queueBytes: 1_500_000 };
  const { world, flow } = downloading({ links: [links], commonDown });
  expect(verdicts(world)).toEqual([
    { type: "shared-bottleneck", paths: 0b11, correlationRatio: expect.closeTo(0.95, 1) },
  ]);
  const before = flow.receiver.receivedBytes;
  const queuesMs: number[] = [];
  for (let passedMs = 0; passedMs < MEASURED_MS; passedMs += 5) {
    world.run(5);
    queuesMs.push(world.commonDown?.queueMs(world.nowMs) ?? Number.NaN);
  }
  queuesMs.sort((a, b) => a - b);
  // A controller aims at 12 ms; two that do not know of each other keep 23 to 40 ms between them.
  expect(quantile(queuesMs, 0.5)).toBeLessThan(15);
  expect(quantile(queuesMs, 0.95)).toBeLessThan(24);
  const rateKbps = ((flow.receiver.receivedBytes - before) * 8) / MEASURED_MS;
  expect(rateKbps).toBeGreaterThan(0.97 * LINE_KBPS * payloadRatio(world.client.innerMtu));
}, 60_000);

it("two links with a line each are not taken for one, though they pause at the same moments", () => {
  const links: SimLinkOptions[] = [20, 25].map((delayMs) => ({ up: UP, down: { rateKbps: LINE_KBPS / 2, delayMs } }));
  const { world } = downloading({ links: [links] });
  expect(verdicts(world)).toEqual([]);
}, 60_000);
