import { describe, expect, it } from "vitest";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { ipv4Frame, type SimFlow } from "../support/sim-traffic.ts";
import { addressOf, macOf, SERVER, SERVER_MAC, SimWorld, type SimWorldOptions } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 20, queueMs: 200 };
const HOUSEHOLD: SimLinkOptions[] = [
  { up: LINE, down: LINE },
  { up: LINE, down: LINE },
];
const BROADCAST_MAC = [255, 255, 255, 255, 255, 255];

/** With a policy that sends every frame once, so that drops can be counted. */
function households(count: number, options: Partial<SimWorldOptions>): SimWorld {
  const links = Array.from({ length: count }, () => HOUSEHOLD);
  return new SimWorld({ links, policy: "balance-xor", ...options }).run(3000);
}

/** Sends ten frames of a flow of its own, and lets them arrive. */
function send(world: SimWorld, options: Parameters<SimWorld["cbr"]>[0]): SimFlow {
  const flow = world.cbr({ ...options, framesPerSecond: 20, untilMs: world.nowMs + 500 });
  world.run(1000);
  return flow;
}

/** Where the frames of a flow came out. */
function arrivals(flow: SimFlow): Record<string, number> {
  return Object.fromEntries([...flow.arrivals].sort(([a], [b]) => a.localeCompare(b)));
}

const once = { framesPerSecond: 20 };

describe("routed clients of one concentrator", () => {
  it("each get what is for them, and nothing else", () => {
    const world = households(3, {});
    for (const [index, client] of world.clients.entries()) {
      expect(client.addresses).toEqual([`${addressOf(index)}/24`]);
      const up = send(world, { from: client, ...once });
      expect(arrivals(up)).toEqual({ concentrator: up.sent });
      const down = send(world, { from: world.concentrator, destination: addressOf(index), ...once });
      expect(arrivals(down)).toEqual({ [client.name]: down.sent });
    }
    expect(world.drops()).toEqual({});
  });

  it("cannot send from an address that is another's or nobody's", () => {
    const world = households(2, {});
    for (const source of [addressOf(1), SERVER, "127.0.0.1"]) {
      const flow = send(world, { from: world.client, source, ...once });
      expect(arrivals(flow)).toEqual({});
    }
    expect(world.concentrator.drops()).toEqual({ "foreign-source": 27 });
  });

  it("do not reach each other unless they may", () => {
    for (const clientToClient of [false, true]) {
      const world = households(2, { clientToClient });
      const flow = send(world, { from: world.client, destination: addressOf(1), ...once });
      // Between them it goes through the concentrator's kernel, where a firewall can see it.
      expect(arrivals(flow)).toEqual(clientToClient ? { concentrator: flow.sent } : {});
      expect(world.concentrator.drops()).toEqual(clientToClient ? {} : { "client-to-client": flow.sent });
    }
  });

  it("leave what is for nobody, and what is no IP, uncarried", () => {
    const world = households(1, {});
    const arp = ipv4Frame(SERVER, addressOf(0), 17, new Uint8Array(28));
    arp.set([8, 6], 12);
    world.client.inject(arp);
    world.concentrator.inject(arp, ipv4Frame(SERVER, "10.99.0.1", 17, new Uint8Array(8)));
    world.run(100);
    expect(world.client.drops()).toEqual({ "not-ip": 1 });
    expect(world.concentrator.drops()).toEqual({ "no-route": 2 });
  });

  it("do not disturb each other when one restarts or loses its lines", () => {
    const world = households(3, {});
    const flows = [1, 2].flatMap((index) => [
      world.cbr({ from: world.clients[index] ?? world.client, framesPerSecond: 100 }),
      world.cbr({ from: world.concentrator, destination: addressOf(index), framesPerSecond: 100 }),
    ]);
    world.client.kill();
    world.restartClient(0, 1000);
    world.run(5000);
    for (const link of world.links[0] ?? []) link.set({ blackholed: true });
    world.run(10_000).run(500);
    for (const flow of flows) {
      expect(flow.lostBetween(3000, world.nowMs - 1000)).toBe(0);
      expect(flow.slowestMs(3000, world.nowMs - 1000)).toBeLessThan(25);
    }
  });
});

describe("bridged clients of one concentrator", () => {
  const bridged = (count: number, clientToClient = false) => households(count, { mode: "bridged", clientToClient });

  it("are found by the addresses they were heard with", () => {
    const world = bridged(3);
    // Not heard yet: to all of them.
    const flooded = send(world, { from: world.concentrator, destinationMac: macOf(1), ...once });
    expect(arrivals(flooded)).toEqual({ home1: flooded.sent, home2: flooded.sent, home3: flooded.sent });
    const [, second] = world.clients;
    send(world, { from: second ?? world.client, ...once });
    const direct = send(world, { from: world.concentrator, destinationMac: macOf(1), ...once });
    expect(arrivals(direct)).toEqual({ home2: direct.sent });
  });

  it("hear broadcasts of the bridge, and no frame of their own again", () => {
    const world = bridged(2);
    const down = send(world, { from: world.concentrator, destinationMac: BROADCAST_MAC, ...once });
    expect(arrivals(down)).toEqual({ home1: down.sent, home2: down.sent });
    const up = send(world, { from: world.client, destinationMac: BROADCAST_MAC, ...once });
    expect(arrivals(up)).toEqual({ concentrator: up.sent });
  });

  it("hear each other if they may: broadcasts to all, the rest where it belongs", () => {
    const world = bridged(3, true);
    const hello = send(world, { from: world.client, destinationMac: BROADCAST_MAC, ...once });
    expect(arrivals(hello)).toEqual({ concentrator: hello.sent, home2: hello.sent, home3: hello.sent });
    const [, second] = world.clients;
    const answer = send(world, { from: second ?? world.client, destinationMac: macOf(0), ...once });
    expect(arrivals(answer)).toEqual({ home1: answer.sent });
    const up = send(world, { from: world.client, destinationMac: SERVER_MAC, ...once });
    expect(up.delivered).toBe(up.sent);
    expect([...up.arrivals.keys()]).toContain("concentrator");
    expect([...up.arrivals.keys()]).not.toContain("home1");
  });

  it("cannot take over an address that is in use elsewhere", () => {
    const world = bridged(2);
    const victim = world.cbr({ from: world.client, framesPerSecond: 20 });
    world.run(500);
    const [, thief] = world.clients;
    const stolen = send(world, { from: thief ?? world.client, sourceMac: macOf(0), ...once });
    expect(arrivals(stolen)).toEqual({});
    const server = world.cbr({ from: world.concentrator, framesPerSecond: 20 });
    world.run(500);
    send(world, { from: thief ?? world.client, sourceMac: SERVER_MAC, destinationMac: BROADCAST_MAC, ...once });
    expect(world.drops()["mac-moved"]).toBe(stolen.sent * 2);
    world.run(500);
    expect(victim.arrivals.get("concentrator")).toBe(victim.delivered);
    expect([...server.arrivals.keys()]).toEqual(["home1"]);
  });

  it("may move an address after a silence", () => {
    const world = bridged(2);
    send(world, { from: world.client, ...once });
    world.run(3000);
    const [, second] = world.clients;
    const moved = send(world, { from: second ?? world.client, sourceMac: macOf(0), ...once });
    expect(arrivals(moved)).toEqual({ concentrator: moved.sent });
    const down = send(world, { from: world.concentrator, destinationMac: macOf(0), ...once });
    expect(arrivals(down)).toEqual({ home2: down.sent });
  });

  it("make no loop: a client's broadcast that comes back by the bridge goes nowhere", () => {
    const world = bridged(2);
    const hello = send(world, { from: world.client, destinationMac: BROADCAST_MAC, ...once });
    // The same frames again, as from a bridge that has a loop behind it.
    for (let i = 0; i < 10; i++) world.concentrator.inject(hello.next(world.nowMs));
    world.run(1000);
    expect(arrivals(hello)).toEqual({ concentrator: 9 });
    expect(world.concentrator.drops()).toEqual({ "mac-moved": 10 });
  });
});
