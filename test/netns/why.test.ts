import { readWhy, whyText } from "@wanbond/shared/control";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bondOf, memberChange } from "../support/bond-watch.ts";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { withPair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measureTcp } from "../support/traffic.ts";
import { waitFor } from "../support/wait.ts";

/** 20/20 and 10/10 Mbit/s; the second line is cut under load. */
describe.skipIf(!isRoot())("an aggregate bond under load", () => {
  let topology: Topology;
  let lines: LineEmulation;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2 });
    lines = await startLines(topology, [line(20_000, 20_000, 15), line(10_000, 10_000, 25)]);
  });
  afterAll(async () => {
    await lines?.stop();
    topology?.remove();
  });

  it("says how it uses its members, and why one of them was left", async () => {
    await withPair(topology, { bonding: { defaultBondingPolicy: "aggregate" } }, async (pair) => {
      const ends = { client: topology.lan, server: topology.server, serverAddress: ADDRESSES.server };
      const load = measureTcp({ ...ends, seconds: 8 });
      const uses = async () => (await bondOf(pair.concentrator)).members.map(({ aggregate }) => aggregate);
      const areUsed = async () => (await uses()).every((use) => (use?.firstFrames ?? 0) > 2000);
      await waitFor(areUsed, { what: "both members carry frames" });
      const [first, second] = await uses();
      const cutMs = Date.now();
      await lines.set(1, { cut: true });
      await memberChange(pair, "isp2", "out", cutMs);
      await load;
      expect(first?.rateKbps).toBeGreaterThan(second?.rateKbps ?? Number.POSITIVE_INFINITY);
      expect((first?.shareRatio ?? 0) + (second?.shareRatio ?? 0)).toBeCloseTo(1, 2);

      const answer = await readWhy(pair.concentrator.controlSocket, "home1/isp2");
      const [member] = answer.members;
      const events = member?.events.map(({ event }) => event);
      expect(events).toEqual(
        expect.arrayContaining(["path-attached", "member-state", "bond-decision", "path-suspect", "line-phase"]),
      );
      const states = new Set(member?.seconds.map(({ state }) => state));
      expect(states).toContain("in-use");
      expect(states).toContain("unusable");
      const text = whyText(answer);
      expect(text).toMatch(/carried \d+ frames, share 0\.\d/);
      expect(text).toMatch(/phase startup -> steady: .* \d+\.\d\d Mbit\/s/);
      expect(text).toMatch(/silent: what was sent \d+ ms ago/);
      expect(text).toContain("up -> down (silent)");
      expect(text).toContain("members that may carry: isp1; before: isp1, isp2");
    });
  });
});
