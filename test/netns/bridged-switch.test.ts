import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectVeth, isRoot } from "../support/netns.ts";
import { isUsable } from "../support/program.ts";
import { prepareSitePrograms, type SitePrograms } from "../support/site-programs.ts";
import { addBridges, BRIDGE, buildSites, type Sites } from "../support/sites.ts";
import { BROADCAST, Station } from "../support/station.ts";
import { sleep, waitFor } from "../support/wait.ts";

const FRAMES = 20;
const NONE = Array.from({ length: FRAMES }, () => 0);
const ONCE = Array.from({ length: FRAMES }, () => 1);
/** To the nearest bridge: spanning tree. */
const SPANNING_TREE = "0180c2000000";
/** What was sent by then is where it goes, or on its way round a loop. */
const SETTLE_MS = 300;

/**
 * The concentrator as a switch: stations that send and count single frames at the three bridges.
 *
 *   one ── br0 (router1) ══ client 1 ══╗
 *                                      concentrator ── br0 ── head
 *   two ── br0 (router2) ══ client 2 ══╝
 */
describe.skipIf(!isRoot())("the switch of a bridged bond", () => {
  let sites: Sites;
  let programs: SitePrograms;
  let one: Station;
  let two: Station;
  let head: Station;
  let lastNumber = 0;

  beforeAll(async () => {
    sites = await buildSites();
    await addBridges(sites);
    programs = await prepareSitePrograms(sites, { mode: "bridged", bonding: { defaultBondingPolicy: "balance-rr" } });
    await programs.start();
    const [home1, home2] = sites.homes;
    if (home1 === undefined || home2 === undefined) throw new Error("unreachable: there are two homes");
    [one, two, head] = await Promise.all([
      Station.join(home1.router, BRIDGE, "station", "020000000001"),
      Station.join(home2.router, BRIDGE, "station", "020000000002"),
      Station.join(sites.concentrator, BRIDGE, "station", "0200000000aa"),
    ]);
  });
  afterAll(async () => {
    await Promise.all([one, two, head].map((station) => station?.stop()));
    await programs?.stop();
    sites?.remove();
  });

  /** Sends so many frames, waits for them at `at`. @returns how many copies of each came to one, two and head. */
  async function send(
    from: Station,
    to: string,
    at: Station,
    more: { vlan?: number; payloadBytes?: number } = {},
  ): Promise<{ one: number[]; two: number[]; head: number[] }> {
    const numbers = Array.from({ length: FRAMES }, () => ++lastNumber);
    for (const number of numbers) from.send({ to, from: from.mac, number, ...more });
    const hasCome = () => at.copies(numbers).every((count) => count > 0);
    await waitFor(hasCome, { what: `the frames of ${from.mac} come to ${at.mac}` });
    await sleep(SETTLE_MS); // for those that should not come
    return { one: one.copies(numbers), two: two.copies(numbers), head: head.copies(numbers) };
  }
  /** Frames that either end has refused for their sender. */
  async function refused(): Promise<number> {
    const all = await Promise.all([programs.concentrator, ...programs.clients].map((program) => program.status()));
    return all.reduce((sum, { drops }) => sum + (drops["mac-moved"] ?? 0), 0);
  }

  it("floods what the office sends to all, and to unknown addresses", async () => {
    expect(await send(head, BROADCAST, one)).toEqual({ one: ONCE, two: ONCE, head: NONE });
    expect(await send(head, "0200000000ff", two)).toEqual({ one: ONCE, two: ONCE, head: NONE });
  });

  it("shows a client's broadcasts to the office alone, and gives none of them back", async () => {
    expect(await send(one, BROADCAST, head)).toEqual({ one: NONE, two: NONE, head: ONCE });
    expect(await send(one, two.mac, head)).toEqual({ one: NONE, two: NONE, head: ONCE });
  });

  it("sends a frame for an address it has learned to its client alone", async () => {
    await send(one, BROADCAST, head);
    await send(two, BROADCAST, head);
    expect(await send(head, one.mac, one)).toEqual({ one: ONCE, two: NONE, head: NONE });
    expect(await send(head, two.mac, two)).toEqual({ one: NONE, two: ONCE, head: NONE });
  });

  it("carries 802.1Q tags, also on frames of full size, unchanged", async () => {
    for (const payloadBytes of [42, 1500]) {
      await send(one, head.mac, head, { vlan: 7, payloadBytes });
      await send(head, one.mac, one, { vlan: 4094, payloadBytes });
      expect(head.received.at(-1)).toMatchObject({ vlan: 7, payloadBytes, from: one.mac, to: head.mac });
      expect(one.received.at(-1)).toMatchObject({ vlan: 4094, payloadBytes, from: head.mac, to: one.mac });
    }
  });

  it("carries spanning tree, so that the bridges beyond can see their loops", async () => {
    expect(await send(one, SPANNING_TREE, head)).toEqual({ one: NONE, two: NONE, head: ONCE });
  });

  it("does not believe a client that sends from an address of the office or of another client", async () => {
    await send(head, BROADCAST, one);
    await send(one, BROADCAST, head);
    const before = await refused();
    for (const mac of [head.mac, one.mac]) two.send({ to: BROADCAST, from: mac, number: ++lastNumber });
    await waitFor(async () => (await refused()) === before + 2, { what: "both frames are refused" });
    expect(await send(head, one.mac, one)).toEqual({ one: ONCE, two: NONE, head: NONE });
  });

  describe.each([false, true])("with both LANs joined by a cable, clientToClient = %s", (clientToClient) => {
    beforeAll(async () => {
      await programs.concentrator.stop();
      programs.configure({ concentrator: { clientToClient } });
      await programs.concentrator.start();
      await waitFor(() => isConnected(), { what: "both clients are back" });
      const [home1, home2] = sites.homes;
      if (home1 === undefined || home2 === undefined) throw new Error("unreachable: there are two homes");
      await connectVeth(home1.router, "cable", home2.router, "cable");
      for (const { router } of [home1, home2]) await router.ip(`link set cable master ${BRIDGE}`);
    });
    afterAll(async () => {
      await sites.homes[0]?.router.ip("link del cable");
    });

    async function isConnected(): Promise<boolean> {
      const all = await Promise.all([programs.concentrator, ...programs.clients].map((program) => program.status()));
      const members = all.flatMap(({ bonds }) => bonds.flatMap((bond) => bond.members));
      return members.length === 8 && members.every(({ state }) => isUsable(state));
    }

    it.each(["one", "two", "head"] as const)("a broadcast of %s goes round no loop", async (name) => {
      const from = { one, two, head }[name];
      const { [name]: back, ...others } = await send(from, BROADCAST, from === head ? one : head);
      expect(back).toEqual(NONE);
      const copies = Object.values(others).flat();
      expect([...new Set(copies)].filter((count) => count !== 1 && count !== 2)).toEqual([]);
    });
  });
});
