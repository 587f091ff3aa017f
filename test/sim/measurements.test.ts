import { beforeEach, describe, expect, it } from "vitest";
import type { ForwarderEvent, MeasureQuestion } from "../../packages/shared/src/pipeline/index.ts";
import { FIRST_SIDE_PATH, formatEndpoint, OBSERVE_SECOND_PORT } from "../../packages/shared/src/wire/index.ts";
import { CONCENTRATOR } from "../support/sim-link.ts";
import { SimWorld } from "../support/sim-world.ts";

type Observed = Extract<ForwarderEvent, { type: "observed" }>;

/** Of the first link: SimClient counts from there. */
const SOCKET = 10;
const LINE = { rateKbps: 20_000, delayMs: 25 };

/** What two programs tell each other to measure a line, over one that carries 20 Mbit/s with a round trip of 50 ms. */
describe("measuring within a session", () => {
  let world: SimWorld;
  let nextId: number;

  beforeEach(() => {
    nextId = 1;
    world = new SimWorld({ links: [[{ up: LINE, down: LINE }]] }).run(5_000);
  });

  function ask(question: MeasureQuestion, sidePath = FIRST_SIDE_PATH): void {
    world.client.tell({ type: "measure", peerId: 0, socket: SOCKET, endpoint: CONCENTRATOR, sidePath, question });
  }
  function answers(): Observed[] {
    return world.client.log.filter((event) => event.type === "observed");
  }
  function observe(train = 0, flags = 0): Observed {
    const id = nextId++;
    ask({ type: "observe", id, train, flags });
    world.run(200);
    const answer = answers().find((event) => event.answer.id === id);
    if (answer === undefined) throw new Error(`question ${id} has no answer`);
    return answer;
  }
  const refused = () => world.concentrator.drops()["control-refused"] ?? 0;

  it("tells the address that was seen, the round trip, the clock and the version of the far end", () => {
    const { answer, sinceAskedMs, wallMs } = observe();
    expect(formatEndpoint(answer.seen)).toBe(formatEndpoint(world.link(0).publicEndpoint));
    expect(sinceAskedMs).toBeGreaterThanOrEqual(50);
    expect(sinceAskedMs).toBeLessThan(53);
    expect(Math.abs(answer.wallMs - wallMs)).toBeLessThan(60);
    expect(answer.version).toEqual([1, 2, 3]);
  });

  it("leaves the path where it is, and the bond as it was", () => {
    const before = world.client.snapshot().peers[0]?.members[0];
    world.link(0).rebind();
    ask({ type: "observe", id: 77, train: 0, flags: 0 });
    world.run(60);
    expect(answers().map(({ answer }) => answer.id)).toContain(77);
    expect(world.concentrator.log.filter(({ type }) => type === "attach-requested")).toHaveLength(1);
    expect(world.client.snapshot().peers[0]?.members[0]).toMatchObject({ name: before?.name, state: "up" });
  });

  it("answers later when asked to, and never without the number it gave to this address", () => {
    const { token } = observe().answer;
    ask({ type: "delayed-reply", id: 500, waitMs: 30_000, token });
    ask({ type: "delayed-reply", id: 501, waitMs: 10_000, token: token ^ 1 });
    ask({ type: "delayed-reply", id: 502, waitMs: 3_600_000, token });
    world.run(29_900);
    expect(answers().map(({ answer }) => answer.id)).not.toContain(500);
    world.run(200);
    const ids = answers().map(({ answer }) => answer.id);
    expect(ids).toContain(500);
    expect(ids).not.toContain(501);
    expect(refused()).toBe(2);
  });

  it("counts a train that we send", () => {
    ask({ type: "train", train: 9, rateKbps: 10_000, bytes: 500_000, sizeBytes: 1250 });
    world.run(1_000);
    const { received, bytes, spanUs } = observe(9).answer;
    expect({ received, bytes }).toEqual({ received: 400, bytes: 500_000 });
    expect(((bytes - 1250) * 8) / (spanUs / 1000)).toBeCloseTo(10_000, -3);
  });

  it("sends a train, of which a slower line lets through what it carries", () => {
    const { token } = observe().answer;
    ask({ type: "load", train: 11, token, rateKbps: 40_000, bytes: 2_500_000, sizeBytes: 1250 });
    world.run(1_500);
    const { received, bytes, spanMs } = observe(11).here;
    expect(received).toBeGreaterThan(500);
    expect(((bytes - 1250) * 8) / spanMs).toBeGreaterThan(19_000);
    expect(((bytes - 1250) * 8) / spanMs).toBeLessThan(21_000);
    expect(world.concentrator.log).toContainEqual(expect.objectContaining({ type: "load-answered", bytes: 2_500_000 }));
  });

  it("sends no train to an address that was not told its number, none beyond the limits, and not for ever", () => {
    const { token } = observe().answer;
    const load = { type: "load", train: 1, token, rateKbps: 10_000, bytes: 10_000, sizeBytes: 1000 } as const;
    ask({ ...load, token: token ^ 1 });
    ask({ ...load, rateKbps: 2_000_000 });
    ask({ ...load, bytes: 2 ** 31 });
    ask({ ...load, sizeBytes: 20 });
    world.run(500);
    expect(refused()).toBe(4);
    expect(observe(1).here.received).toBe(0);
    for (let i = 0; i < 12; i++) ask({ ...load, bytes: 32 * 1024 * 1024, rateKbps: 1_000_000 });
    world.run(20_000);
    const granted = world.concentrator.log.filter(({ type }) => type === "load-answered");
    expect(granted.length).toBeLessThanOrEqual(8);
    expect(refused()).toBeGreaterThanOrEqual(8);
  });

  it("asks the main thread for a second port, and tells it", () => {
    expect(observe(0, OBSERVE_SECOND_PORT).answer.secondPort).toBe(0);
    expect(world.concentrator.log).toContainEqual(expect.objectContaining({ type: "second-port-wanted", peerId: 0 }));
    world.concentrator.tell({ type: "second-port", port: 51_901 });
    expect(observe().answer.secondPort).toBe(51_901);
  });
});
