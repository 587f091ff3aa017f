import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import {
  INNER_DUPLICATE,
  INNER_ETHERNET,
  INNER_FRAGMENT,
  INNER_ORDERED,
  TYPE_COOKIE_REPLY,
  TYPE_INITIATION,
} from "../../packages/shared/src/wire/index.ts";
import { messageOf } from "../../packages/shared/test/aggregate/feedback-harness.ts";
import { randomInteger, seededRandom } from "../support/random.ts";
import { Forger } from "../support/sim-forger.ts";
import { SimIntruder } from "../support/sim-intruder.ts";
import { endpointOf } from "../support/sim-link.ts";
import { ipv4Frame } from "../support/sim-traffic.ts";
import { addressOf, SERVER, SimWorld } from "../support/sim-world.ts";

const LINE = { rateKbps: 20_000, delayMs: 20, queueMs: 200 };
const HOUSEHOLD = [
  { up: LINE, down: LINE },
  { up: LINE, down: LINE },
  { up: LINE, down: LINE },
];
const NOBODY = endpointOf("192.0.2.99:9");
const PER_STEP = 250;
const STEP_MS = 5;
/** To who knows the concentrator's public key, a cookie reply is owed while many handshakes wait; nothing else. */
const REPLAYED_INITIATION_EVERY = 5_000;

/** Bytes that JavaScript and its buffers take: the least after several collections, for buffers are freed beside the program. */
async function heapBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  let leastBytes = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    leastBytes = Math.min(leastBytes, heapUsed + arrayBuffers);
  }
  return leastBytes;
}

/** Datagrams of a world that went up to the concentrator, of every type. */
function capture(world: SimWorld): Uint8Array[] {
  const captured: Uint8Array[] = [];
  for (const link of world.links.flat()) {
    link.watch = (_, { bytes }) => {
      if (captured.length < 4000 || (bytes[0] ?? 0) < 4) captured.push(bytes);
    };
  }
  return captured;
}

function sum(counters: Readonly<Record<string, number>>): number {
  return Object.values(counters).reduce((total, count) => total + count, 0);
}

describe("a million datagrams of strangers", () => {
  it("get no byte, leave nothing behind, are all counted, and disturb nobody", async () => {
    const world = new SimWorld({ links: [HOUSEHOLD, HOUSEHOLD], policy: "balance-rr" });
    const captured = capture(world);
    const flows = [0, 1].flatMap((index) => [
      world.cbr({ from: world.clients[index] ?? world.client, framesPerSecond: 50 }),
      world.cbr({ from: world.concentrator, destination: addressOf(index), framesPerSecond: 50 }),
    ]);
    world.run(4000);
    const initiation = captured.find((bytes) => bytes[0] === TYPE_INITIATION) ?? new Uint8Array(0);
    const forger = new Forger(42, captured.slice());
    world.run(100); // What is under way is no replay yet.
    const sources = Array.from({ length: 20 }, (_, host) => endpointOf(`192.0.2.${host}:${1000 + host}`));
    const answers: Uint8Array[] = [];
    for (const source of sources) world.strangers.set(source, ({ bytes }) => answers.push(bytes));
    const { concentrator } = world;
    const countedBefore = sum(concentrator.drops()) + sum(concentrator.responder.drops);
    const stateBefore = stateOf(world);
    let given = 0;
    const give = (count: number) => {
      for (let i = 0; i < count; i++, given++) {
        const bytes = given % REPLAYED_INITIATION_EVERY === 0 ? initiation : forger.next();
        concentrator.receive({ bytes, endpoint: sources[given % sources.length] ?? NOBODY });
        if (given % PER_STEP === PER_STEP - 1) world.run(STEP_MS);
      }
    };
    give(100_000);
    const heapBefore = await heapBytes();
    give(900_000);
    world.run(200);
    expect((await heapBytes()) - heapBefore).toBeLessThan(4_000_000);
    expect(given).toBe(1_000_000);
    expect(answers.length).toBeLessThanOrEqual(given / REPLAYED_INITIATION_EVERY);
    expect(answers.filter((bytes) => bytes[0] !== TYPE_COOKIE_REPLY || bytes.length >= initiation.length)).toEqual([]);
    expect(world.unroutable).toBe(0);
    expect(sum(concentrator.drops()) + sum(concentrator.responder.drops) - countedBefore).toBe(given);
    expect(stateOf(world)).toEqual(stateBefore);
    expect(Math.min(...forger.made.values())).toBeGreaterThan(90_000);
    world.drain();
    for (const flow of flows) {
      expect(flow.lostBetween(2000, world.nowMs - 1000)).toBe(0);
      expect(flow.report()).toMatchObject({ reordered: 0, duplicates: 0, corrupted: 0 });
      expect(flow.longestGapMs(4000, world.nowMs - 1000)).toBeLessThan(45);
    }
  });

  it("do not reach a client either", () => {
    const world = new SimWorld({ links: [HOUSEHOLD], policy: "balance-xor" });
    const captured: Uint8Array[] = [];
    world.link(0).watch = (direction, { bytes }) => {
      if (direction === "down") captured.push(bytes);
    };
    const flow = world.cbr({ from: world.concentrator, framesPerSecond: 50 });
    world.run(4000);
    const forger = new Forger(43, captured.slice());
    world.run(100);
    const keys = world.client.ports.keyCount;
    const upBefore = world.links.flat().reduce((total, { up }) => total + up.counters.offered, 0);
    for (let i = 0; i < 50_000; i++) {
      world.link(0).socket.inbox.push({ bytes: forger.next(), endpoint: endpointOf("192.0.2.1:1") });
      if (i % 200 === 199) world.run(2);
    }
    world.run(100);
    expect(world.client.ports.keyCount).toBe(keys);
    // What goes up in that half second are our own probes and replies.
    expect(world.links.flat().reduce((total, { up }) => total + up.counters.offered, 0) - upBefore).toBeLessThan(60);
    world.drain();
    expect(flow.lostBetween(2000, world.nowMs - 1000)).toBe(0);
    expect(flow.report()).toMatchObject({ duplicates: 0, corrupted: 0 });
  });
});

/** What may not grow or change by what strangers send. */
function stateOf({ concentrator }: SimWorld): object {
  return {
    keys: concentrator.ports.keyCount,
    indexes: concentrator.indexCount,
    peers: concentrator.snapshot().peers.map(({ peerId, rekeys, members }) => ({
      peerId,
      rekeys,
      members: members.map(({ name, remote, state }) => `${name} ${remote} ${state}`),
    })),
    roamed: concentrator.log.filter(({ type }) => type === "roamed").length,
  };
}

describe.each(["balance-rr", "aggregate"] as const)("a client with valid keys and bad intentions, %s", (policy) => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const ATTACH_JSON = '{"name":"x","metered":false}';

  function message(type: number, body: Uint8Array, length = body.length): Uint8Array {
    return Uint8Array.from([type, length & 255, length >> 8, ...body]);
  }

  function join(...parts: readonly Uint8Array[]): Uint8Array {
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }

  const attach = (json: string) => message(3, join(Uint8Array.of(7, 0, 0, 0), utf8(json)));

  function besieged(mode: "routed" | "bridged" = "routed") {
    const world = new SimWorld({ links: [HOUSEHOLD, []], policy, mode }).run(3000);
    const flows = [
      world.cbr({ from: world.client, framesPerSecond: 100 }),
      world.cbr({ from: world.concentrator, framesPerSecond: 100 }),
    ];
    const intruder = new SimIntruder(world, 1);
    intruder.control(0, attach(ATTACH_JSON));
    world.run(200);
    return { world, intruder, flows, random: seededRandom(1) };
  }

  /** What holds whatever it did. */
  function expectUnharmed({ world, flows }: ReturnType<typeof besieged>): void {
    const fromMs = world.nowMs;
    world.run(2000);
    for (const flow of flows) {
      expect(flow.lostBetween(3300, world.nowMs - 500)).toBe(0);
      expect(flow.firstArrivalAfter(fromMs)).toBeLessThan(fromMs + 100);
      expect(flow.report()).toMatchObject({ duplicates: 0, corrupted: 0 });
    }
    expect(world.drops()["pool-empty"] ?? 0).toBe(0);
  }

  it("sends control messages of any shape", () => {
    const siege = besieged();
    const { world, intruder, random } = siege;
    for (let i = 0; i < 15_000; i++) {
      const messages = Array.from({ length: 1 + randomInteger(random, 6) }, () => {
        const body = Uint8Array.from({ length: randomInteger(random, 40) }, () => randomInteger(random, 256));
        return message(randomInteger(random, 16), body, random() < 0.1 ? randomInteger(random, 65_536) : body.length);
      });
      // CLOSE would end it.
      if (messages.some((bytes) => bytes[0] === 8)) continue;
      intruder.control(randomInteger(random, 30), join(...messages));
      if (i % 100 === 0) world.run(5);
    }
    world.run(1000);
    const peer = world.concentrator.snapshot().peers.find(({ peerId }) => peerId === 1);
    expect(peer?.members.length).toBeLessThanOrEqual(30);
    expect(world.drops()["control-refused"]).toBeGreaterThan(5_000);
    expectUnharmed(siege);
  });

  if (policy === "aggregate") {
    it("lies about what arrives of the frames that it asks for", () => {
      const siege = besieged();
      const { world, intruder, random } = siege;
      world.cbr({ from: world.concentrator, destination: addressOf(1), framesPerSecond: 8000, frameBytes: 1200 });
      const any = (limit: number) => randomInteger(random, limit);
      const peer = () => world.concentrator.snapshot().peers.find(({ peerId }) => peerId === 1);
      const givenBytes: number[] = [];
      for (let ms = 0; ms < 4000; ms++) {
        const blocks = Array.from({ length: 1 + any(3) }, () => ({
          path: random() < 0.9 ? 0 : any(32),
          highestCounter: random() < 0.9 ? Math.max(0, intruder.answeredCount - 70 + any(80)) : any(2 ** 32),
          heldUnits: random() < 0.7 ? any(5_000) : any(2 ** 28),
          lastHeldUnits: random() < 0.7 ? any(250) : any(2 ** 28),
          receivedBytes: random() < 0.7 ? intruder.answeredBytes : any(2 ** 32),
          fastestBack: random() < 0.9 ? any(64) : any(2 ** 28),
          fastestHeldUnits: any(2 ** 28),
          runs: Array.from({ length: 1 + any(20) }, () => 1 + any(30)),
        }));
        const units = random() < 0.9 ? Math.floor(world.nowMs * 250) : any(2 ** 32);
        intruder.control(0, messageOf(units, blocks));
        world.run(1);
        if (ms % 1000 === 999) givenBytes.push(intruder.answeredBytes);
      }
      expect(Math.min(...Object.values(peer()?.aggregate?.refusedFeedback ?? { none: 0 }))).toBeGreaterThan(50);
      // It harms at most itself, and not for good.
      for (const [i, bytes] of givenBytes.entries()) expect(bytes).toBeGreaterThan((givenBytes[i - 1] ?? 0) + 10_000);
      expectUnharmed(siege);
    });
  }

  it("attaches more paths than there are, with JSON of all kinds", () => {
    const siege = besieged();
    const { world, intruder } = siege;
    const texts = [ATTACH_JSON, "", "{", "[]", "null", '{"name":""}', `{"name":"${"x".repeat(480)}","metered":true}`];
    texts.push('{"name":"y","metered":false,"settings":{"__proto__":1,"speed":-1}}', "\u0000", `${"[".repeat(500)}`);
    for (let path = 0; path < 256; path++) {
      for (const text of texts) intruder.control(path, attach(text));
      world.run(20);
    }
    world.run(5000);
    const peer = world.concentrator.snapshot().peers.find(({ peerId }) => peerId === 1);
    expect(peer?.members.length).toBeLessThanOrEqual(30);
    expect(peer?.members.length).toBeGreaterThan(5);
    expectUnharmed(siege);
  });

  it("floods the main thread with wishes", () => {
    const siege = besieged();
    const { world, intruder } = siege;
    const wishes = join(...Array.from({ length: 40 }, () => attach("{}")), message(6, new Uint8Array(8)));
    const before = world.concentrator.log.length;
    for (let i = 0; i < 2000; i++) {
      intruder.control(1 + (i % 20), wishes);
      intruder.control(0, message(6, new Uint8Array(8)));
      if (i % 100 === 99) world.run(5);
    }
    world.run(100);
    expect(world.concentrator.log.length - before).toBeLessThan(200);
    expectUnharmed(siege);
  });

  it("asks for more than it sends", () => {
    const siege = besieged();
    const { world, intruder } = siege;
    const probes = join(...Array.from({ length: 200 }, () => message(1, new Uint8Array(4))));
    const { answeredBytes, sentBytes } = intruder;
    for (let i = 0; i < 1000; i++) {
      intruder.control(0, probes);
      if (i % 50 === 0) world.run(5);
    }
    world.run(100);
    expect(intruder.answeredBytes - answeredBytes).toBeLessThan(intruder.sentBytes - sentBytes);
    expectUnharmed(siege);
  });

  it("sends frames that are none, or not its own", () => {
    const siege = besieged();
    const { world, intruder, random } = siege;
    const own = ipv4Frame(addressOf(1), SERVER, 17, new Uint8Array(20)).subarray(14);
    for (let i = 0; i < 15_000; i++) {
      const payload =
        random() < 0.5
          ? own.slice(0, randomInteger(random, own.length + 1))
          : new Uint8Array(randomInteger(random, 90));
      for (let k = randomInteger(random, 4); k > 0 && payload.length > 0; k--)
        payload[randomInteger(random, payload.length)] = randomInteger(random, 256);
      const flags =
        random() < 0.1
          ? randomInteger(random, 256)
          : randomInteger(random, 2) * INNER_DUPLICATE + randomInteger(random, 2) * INNER_ORDERED;
      intruder.data(
        randomInteger(random, 3),
        { flags, flowSlot: randomInteger(random, 256), sequence: randomInteger(random, 2 ** 24) },
        payload,
      );
      if (i % 100 === 0) world.run(5);
    }
    const drops = world.drops();
    for (const reason of ["not-routed", "foreign-source", "unknown-path"]) expect(drops[reason]).toBeGreaterThan(100);
    expectUnharmed(siege);
  });

  it("leaves holes in every flow, so that frames have to be held", () => {
    const siege = besieged();
    const { world, intruder } = siege;
    const own = ipv4Frame(addressOf(1), SERVER, 17, new Uint8Array(20)).subarray(14);
    for (let i = 0; i < 20_000; i++) {
      intruder.data(0, { flags: INNER_ORDERED, flowSlot: i & 255, sequence: 2 * (i >> 8) + 1 }, own);
      if (i % 400 === 0) world.run(1);
    }
    expect(world.concentrator.snapshot().peers.find(({ peerId }) => peerId === 1)?.resequencer.held).toBeLessThan(8193);
    expectUnharmed(siege);
  });

  it("begins frames in parts and ends none", () => {
    const siege = besieged();
    const { world, intruder, random } = siege;
    for (let i = 0; i < 15_000; i++) {
      const part = new Uint8Array(4 + randomInteger(random, 80));
      const view = new DataView(part.buffer);
      view.setUint16(0, randomInteger(random, random() < 0.9 ? 1500 : 65_536), true);
      view.setUint16(2, randomInteger(random, random() < 0.9 ? 1600 : 65_536), true);
      intruder.data(
        0,
        { flags: INNER_FRAGMENT | INNER_ORDERED, flowSlot: randomInteger(random, 4), sequence: i >> 3 },
        part,
      );
      if (i % 100 === 0) world.run(5);
    }
    const drops = world.drops();
    expect((drops["fragment-refused"] ?? 0) + (drops["fragment-incomplete"] ?? 0)).toBeGreaterThan(5_000);
    expectUnharmed(siege);
  });

  it("claims every MAC address there is", () => {
    const siege = besieged("bridged");
    const { world, intruder, random } = siege;
    const frame = new Uint8Array(60);
    for (let i = 0; i < 15_000; i++) {
      frame.set([
        2,
        ...Array.from({ length: 5 }, () => randomInteger(random, 256)),
        2,
        randomInteger(random, 256),
        i >> 8,
        i & 255,
        1,
        1,
      ]);
      intruder.data(
        0,
        { flags: INNER_ETHERNET, sequence: i },
        random() < 0.9 ? frame : frame.slice(0, randomInteger(random, 20)),
      );
      if (i % 100 === 0) world.run(5);
    }
    expect(world.drops()["malformed"]).toBeGreaterThan(1000);
    expectUnharmed(siege);
  });

  it("says that its packets must be tiny", () => {
    const siege = besieged();
    const { world, intruder } = siege;
    intruder.control(0, message(11, Uint8Array.of(0, 0)));
    world.run(50);
    expect(world.concentrator.snapshot().peers.find(({ peerId }) => peerId === 1)?.mtu).toBeGreaterThanOrEqual(576);
    expectUnharmed(siege);
  });
});
