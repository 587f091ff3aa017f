import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { execute, isRoot } from "../support/netns.ts";
import { answers } from "../support/ping.ts";
import { startPlainLines } from "../support/plain-lines.ts";
import { type Program, wanbondCommand } from "../support/program.ts";
import { type BondPair, type PairOptions, preparePair } from "../support/programs.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { waitFor } from "../support/wait.ts";

/** Who may talk to whom, and whether others may listen. */
describe.skipIf(!isRoot())("keys and encryption", () => {
  let topology: Topology;
  let pair: BondPair;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2 });
    await startPlainLines(topology);
  });
  afterAll(() => topology?.remove());
  afterEach(async () => {
    await pair?.stop();
  });

  async function writeKey(name: string): Promise<string> {
    const file = join(pair.folder, name);
    writeFileSync(file, await execute(wanbondCommand("keygen")), { mode: 0o600 });
    return file;
  }
  const cipherAt = async (program: Program) => (await program.status()).bonds[0]?.cipher;

  it.each<["encrypted" | "none", "encrypted" | "none", RegExp]>([
    ["none", "none", /^none \(/],
    ["none", "encrypted", /^(AES-256-GCM|ChaCha20-Poly1305)$/],
    ["encrypted", "none", /^(AES-256-GCM|ChaCha20-Poly1305)$/],
  ])("client says %s, concentrator %s: traffic passes under %s", async (client, peer, cipher) => {
    pair = await preparePair(topology, { client: { encryption: client }, peer: { encryption: peer } });
    await pair.start();
    expect(await answers(topology.lan, ADDRESSES.server)).toBe(true);
    for (const program of [pair.client, pair.concentrator]) expect(await cipherAt(program)).toMatch(cipher);
  });

  it("the same preshared key on both sides: traffic passes", async () => {
    await prepareWithPresharedKeys("one.psk", "one.psk");
    await pair.start();
    expect(await answers(topology.lan, ADDRESSES.server)).toBe(true);
  });

  it("different preshared keys: nothing passes, and both logs say where to look", async () => {
    await prepareWithPresharedKeys("one.psk", "other.psk");
    await startInVain();
    await waitForEvents(pair.client, "handshake-refused", /presharedKeyFile/);
    await waitForEvents(pair.concentrator, "client-unconfirmed", /presharedKeyFile/);
    await expectNothingPasses();
    expect(pair.client.events("handshake-refused")).toHaveLength(1);
    expect(pair.concentrator.events("client-connected")).toEqual([]);
  });

  it("a concentrator with another key than the client knows: it is silent, and the client says so", async () => {
    pair = await preparePair(topology);
    await writeKey("concentrator.key");
    await startInVain();
    await waitForEvents(pair.client, "no-answer", /keys/);
    await expectNothingPasses();
    const { drops } = await pair.concentrator.status();
    expect(drops["handshake-bad-mac1"]).toBeGreaterThan(0);
  });

  it("a client that the concentrator does not know: both logs say so", async () => {
    pair = await preparePair(topology);
    await writeKey("client.key");
    await startInVain();
    await waitForEvents(pair.client, "no-answer", /keys/);
    await waitForEvents(pair.concentrator, "client-refused", /public key/);
    await expectNothingPasses();
    expect(pair.concentrator.events("client-refused")).toHaveLength(1);
  });

  async function prepareWithPresharedKeys(client: string, peer: string): Promise<void> {
    // Relative to the files that name them.
    const options: PairOptions = { client: { presharedKeyFile: client }, peer: { presharedKeyFile: peer } };
    pair = await preparePair(topology, options);
    for (const name of new Set([client, peer])) await writeKey(name);
  }
  async function startInVain(): Promise<void> {
    await Promise.all([pair.concentrator.start(), pair.client.start()]);
  }
  async function waitForEvents(program: Program, event: string, says: RegExp): Promise<void> {
    const isSaid = () => program.events(event).length > 0;
    await waitFor(isSaid, { what: `the ${program.role} says ${event}`, deadlineMs: 20_000 });
    expect(program.events(event)[0]?.["message"]).toMatch(says);
  }
  async function expectNothingPasses(): Promise<void> {
    expect(await answers(topology.lan, ADDRESSES.server)).toBe(false);
    expect((await pair.client.status()).bonds[0]?.state).toBe("connecting");
  }
});
