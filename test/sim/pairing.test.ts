import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { decodeInvite, type EnrolReply, keysOfInvite } from "../../packages/shared/src/config/index.ts";
import { formatKey, publicKeyOf } from "../../packages/shared/src/crypto/index.ts";
import { ControlWriter, DatagramView, TYPE_CONTROL, TYPE_DATA } from "../../packages/shared/src/wire/index.ts";
import type { SimLinkOptions } from "../support/sim-link.ts";
import { pass, SimJoiner, SimPairing, type SimPairingOptions, untilReplied } from "../support/sim-pairing.ts";
import { VirtualNetwork } from "../support/virtual-network.ts";

const LINE: SimLinkOptions = { up: { rateKbps: 10_000, delayMs: 20 }, down: { rateKbps: 10_000, delayMs: 20 } };
const DEAD: SimLinkOptions = { up: { lossRatio: 1 }, down: { lossRatio: 1 } };
const LOSSY: SimLinkOptions = { up: { delayMs: 80, lossRatio: 0.4 }, down: { delayMs: 80, lossRatio: 0.4 } };
const ROUTED = 'address = ["10.200.0.1/24"]';
const DAY_S = 86_400;

describe("pairing", () => {
  let folder: string;
  let network: VirtualNetwork;
  let end: SimPairing;

  const start = (options: Partial<SimPairingOptions> = {}): SimPairing => {
    end?.kill();
    end = new SimPairing(network, { more: ROUTED, registerFile: join(folder, "data", "register.json"), ...options });
    network.add(end);
    return end;
  };
  const invite = async (name: string, lan: string[] = [], lifeS = DAY_S) =>
    (await end.pairing.invite({ name, lan, lifeS })).invite;
  const joiner = (line: string, number: number, lan: string[] = [], more = {}) =>
    new SimJoiner(network, line, number, [end.connect(LINE), end.connect(LINE)], { lan, ...more });
  const reply = async (one: SimJoiner): Promise<EnrolReply | null> => (await untilReplied(network, [one]))[0] ?? null;
  const names = () => end.clients.all.map(({ config }) => config.name);
  const openInvites = async () => (await end.pairing.clients()).invites.map(({ name }) => name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "wanbond-pairing-"));
    network = new VirtualNetwork(7);
    start();
  });
  afterEach(() => {
    end.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it("makes a client of who holds an invite, over lines that lose much", async () => {
    const line = await invite("home1");
    const links = [DEAD, LOSSY, LOSSY].map((options) => end.connect(options));
    const one = new SimJoiner(network, line, 1, links, { lan: ["192.168.50.0/24", "fd00:50::/64"] });
    expect(await reply(one)).toEqual({
      version: 1,
      ok: true,
      name: "home1",
      mode: "routed",
      addresses: ["10.200.0.2/32"],
      lan: ["192.168.50.0/24"],
      endpoints: ["203.0.113.1:51900"],
    });
    expect(names()).toEqual(["home1"]);
    expect(end.events.map(({ event }) => event)).toEqual(["invite-created", "client-joined"]);
    expect(statSync(join(folder, "data", "register.json")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "data", "register.json"), "utf8")).not.toContain(line.slice(10, 40));
  });

  it("outlives a restart, before the join and after it", async () => {
    const line = await invite("home1");
    start();
    const one = joiner(line, 1);
    expect(await reply(one)).toMatchObject({ ok: true, name: "home1" });
    start();
    expect(names()).toEqual(["home1"]);
    expect(await reply(joiner(line, 1))).toMatchObject({ ok: true, addresses: ["10.200.0.2/32"] });
    expect(await reply(joiner(line, 2))).toMatchObject({ ok: false, reason: "used" });
  });

  it("gives each client an address of its own, and one invite to one of two that come at once", async () => {
    const lines = [await invite("home1"), await invite("home2")];
    const both = await untilReplied(
      network,
      lines.map((line, index) => joiner(line, index + 1)),
    );
    expect(both.map((each) => (each?.ok ? each.addresses : null))).toEqual([["10.200.0.2/32"], ["10.200.0.3/32"]]);
    const line = await invite("home3");
    const rivals = await untilReplied(network, [joiner(line, 3), joiner(line, 4), joiner(line, 5)]);
    const won = rivals.filter((each) => each?.ok);
    expect(won).toHaveLength(1);
    for (const each of rivals) if (!each?.ok) expect([null, "used"]).toContain(each?.reason ?? null);
    expect(names()).toEqual(["home1", "home2", "home3"]);
  });

  it.each([
    [
      "expired",
      async (): Promise<string> => {
        const line = await invite("home1", [], 60);
        network.run(network.nowMs + 61_000);
        return line;
      },
    ],
    [
      "revoked",
      async (): Promise<string> => {
        const line = await invite("home1");
        await end.pairing.revoke("home1");
        return line;
      },
    ],
  ])("says so when an invite is %s", async (reason, make) => {
    const answer = await reply(joiner(await make(), 1));
    expect(answer).toMatchObject({ ok: false, reason, problem: expect.stringContaining(reason) });
    expect(names()).toEqual([]);
    await invite("home1"); // The name is free again.
  });

  it("refuses what is in the way of others, and the invite stays good", async () => {
    start({ more: `${ROUTED}\nclientToClient = true`, hostNetworks: ["203.0.113.0/24", "172.20.0.0/16"] });
    await reply(joiner(await invite("home1"), 1, ["192.168.1.0/24"]));
    const line = await invite("home2");
    const refusal = async (number: number, lan: string[], more = {}) => {
      const answer = await reply(joiner(line, number, lan, more));
      return answer?.ok === false ? [answer.reason, answer.problem] : [answer];
    };
    expect(await refusal(2, ["192.168.1.128/25"])).toEqual([
      "lan-conflict",
      expect.stringMatching(/192\.168\.1\.128\/25 overlaps with 192\.168\.1\.0\/24 of the client home1/),
    ]);
    expect(await refusal(2, ["10.0.0.0/8"])).toEqual(["lan-conflict", expect.stringContaining("tunnel's network")]);
    expect(await refusal(2, ["172.20.5.0/24"])).toEqual([
      "lan-conflict",
      expect.stringContaining("concentrator's host"),
    ]);
    expect(await refusal(2, ["198.51.100.0/24"])).toEqual([
      "lan-refused",
      expect.stringContaining("invite NAME --lan"),
    ]);
    expect(await refusal(2, [], { inUse: ["10.200.0.0/16"] })).toEqual([
      "address-conflict",
      expect.stringContaining("10.200.0.0/16"),
    ]);
    expect(await refusal(1, [])).toEqual(["key-known", expect.stringContaining("client home1")]);
    expect(await openInvites()).toEqual(["home2"]);
    expect(await reply(joiner(line, 2, ["192.168.2.0/24"]))).toMatchObject({ ok: true });
  });

  it("gives the networks that the operator wrote into the invite, public ones too", async () => {
    const line = await invite("office", ["198.51.100.0/24"]);
    const other = { lanGiven: true };
    expect(await reply(joiner(line, 1, ["192.168.9.0/24"], other))).toMatchObject({ ok: false, reason: "lan-refused" });
    expect(await reply(joiner(line, 1, ["192.168.9.0/24"]))).toMatchObject({ ok: true, lan: ["198.51.100.0/24"] });
  });

  it("has no room beyond its network: said at the invite, and at the join", async () => {
    start({ more: 'address = ["10.200.0.1/30"]' });
    const line = await invite("home1");
    await expect(invite("home2")).rejects.toThrow(/No address is free in 10\.200\.0\.1\/30/);
    end.clients.add({ ...(await takenClient()) }, "file", null);
    expect(await reply(joiner(line, 1))).toMatchObject({ ok: false, reason: "pool-full" });
  });

  /** Somebody has written the last address by hand. */
  async function takenClient() {
    const other = new SimPairing(network, {
      more: `${ROUTED}\n[[client]]\nname = "hand"\npublicKey = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="\naddress = ["10.200.0.2/32"]`,
      registerFile: join(folder, "other", "register.json"),
    });
    const [client] = other.clients.all;
    if (client === undefined) throw new Error("unreachable: there is one");
    return client.config;
  }

  it("keeps the invite good when the disk refuses, and tells nobody of a client that is not on it", async () => {
    const line = await invite("home1");
    rmSync(join(folder, "data"), { recursive: true });
    writeFileSync(join(folder, "data"), "a file where the folder was");
    expect(await reply(joiner(line, 1))).toMatchObject({ ok: false, reason: "failed" });
    expect(names()).toEqual([]);
    rmSync(join(folder, "data"));
    expect(await reply(joiner(line, 1))).toMatchObject({ ok: true });
  });

  it("counts requests that make no sense, and answers none of them", async () => {
    const request = '{"version":1,"publicKey":"short"}';
    const one = new SimJoiner(network, await invite("home1"), 1, [end.connect(LINE)], request);
    expect((await untilReplied(network, [one], 3_000))[0]).toBeNull();
    expect(end.pairing.enrolments.drops.malformed).toBeGreaterThan(2);
    expect(names()).toEqual([]);
  });

  it("takes no client by the key of an invite, which is known to whoever has read it", async () => {
    const line = await invite("home1");
    const { privateKey } = keysOfInvite(decodeInvite(line));
    const publicKey = formatKey(publicKeyOf(privateKey));
    expect(await reply(joiner(line, 1, [], { publicKey }))).toMatchObject({ ok: false, reason: "key-known" });
    expect(await reply(joiner(line, 1))).toMatchObject({ ok: true });
  });

  it("is silent to strangers, and to an invite that it has never made", async () => {
    const line = await invite("home1");
    await end.pairing.revoke("home1");
    rmSync(join(folder, "data"), { recursive: true });
    start();
    const sent = end.sentCount;
    expect(await reply(joiner(line, 1))).toBeNull();
    expect(end.sentCount).toBe(sent);
    expect(end.responder.drops["unknown-peer"]).toBeGreaterThan(3);
  });

  it("takes no harm from a join that is played again", async () => {
    const line = await invite("home1");
    const links = [end.connect(LINE)];
    const recorded: Uint8Array[] = [];
    for (const link of links) link.watch = (direction, { bytes }) => void (direction === "up" && recorded.push(bytes));
    const endpoint = links[0]?.publicEndpoint ?? new Int32Array(12);
    expect(await reply(new SimJoiner(network, line, 1, links))).toMatchObject({ ok: true });
    await end.pairing.revoke("home1");
    await pass(network, 3_000);
    for (let turn = 0; turn < 3; turn++) {
      for (const bytes of recorded) end.receive({ bytes, endpoint });
      await pass(network, 1_000);
    }
    expect(names()).toEqual([]);
    expect(end.events.filter(({ event }) => event === "client-joined")).toHaveLength(1);
  });

  it.each([
    ["routed", ROUTED],
    ["bridged", 'mode = "bridged"'],
  ])("carries no frame of who holds an invite only, and answers nothing else, %s", async (_mode, more) => {
    start({ more });
    const one = joiner(await invite("home1"), 1);
    one.staysOpen = true;
    expect(await reply(one)).toMatchObject({ ok: true });
    const drops = (reason: string) => end.drops()[reason] ?? 0;
    const before = [drops("unknown-path"), drops("control-refused")];
    send(one, TYPE_DATA, new Uint8Array(60));
    const pool = new Uint8Array(200);
    const writer = new ControlWriter(pool);
    writer.begin(0, 200);
    writer.probe(1);
    writer.mtuProbe(2, 1200);
    writer.config(3, "{}");
    send(one, TYPE_CONTROL, pool.subarray(0, writer.lengthBytes));
    await pass(network, 100);
    expect([drops("unknown-path") - (before[0] ?? 0), drops("control-refused") - (before[1] ?? 0)]).toEqual([1, 3]);
  });

  let counter = 5_000;
  /** A datagram under the keys of the invite's session. */
  function send({ client, ports }: SimJoiner, type: number, plaintext: Uint8Array): void {
    const plain = 3_000_000;
    const sealed = 3_010_000;
    ports.pool.set(plaintext, plain);
    new DatagramView(ports.pool).writeOuter(sealed, type, 0, client.remoteIndex, counter++);
    const descriptor = Int32Array.of(sealed, 0, 0, 0);
    ports.seal(Int32Array.of(plain, plaintext.byteLength, 0, 0), descriptor, 1);
    ports.udpWrite(0, new Int32Array(12), 0, descriptor, new Int32Array(1), 1);
  }

  it("lets the file count when it names the address of a client that joined", async () => {
    await reply(joiner(await invite("home1"), 1));
    const hand = `${ROUTED}\n[[client]]\nname = "hand"\npublicKey = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="\naddress = ["10.200.0.2/32"]`;
    start({ more: hand });
    expect(names()).toEqual(["hand"]);
    expect(end.events).toMatchObject([{ event: "joined-client-ignored", client: "home1" }]);
    await end.pairing.revoke("home1");
    start({ more: hand });
    expect(end.events).toEqual([]);
  });

  it("revokes a client of its own, and sends those of the file to the file", async () => {
    const hand = `${ROUTED}\n[[client]]\nname = "hand"\npublicKey = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="\naddress = ["10.200.0.2/32"]`;
    start({ more: hand });
    expect(await reply(joiner(await invite("home1"), 1))).toMatchObject({ ok: true, addresses: ["10.200.0.3/32"] });
    await expect(invite("hand")).rejects.toThrow(/There is a client hand already/);
    await expect(end.pairing.revoke("hand")).rejects.toThrow(/\[\[client\]\] table out of \/etc\/wanbond/);
    await expect(end.pairing.revoke("nobody")).rejects.toThrow(/There are: hand, home1\./);
    await end.pairing.revoke("home1");
    expect(names()).toEqual(["hand"]);
  });
});
