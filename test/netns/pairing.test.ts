import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readClients, requestInvite, revokeClient } from "@wanbond/shared/control";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isRoot, type Namespace } from "../support/netns.ts";
import { answersOfTen } from "../support/ping.ts";
import { Program, wanbondCommand } from "../support/program.ts";
import { type Ended, run } from "../support/run.ts";
import { addRoutedAddresses, buildSites, type Home, OFFICE, type Sites } from "../support/sites.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

/** The life of a pair, typed as an operator types it: init, invite, join, traffic, a second client, revoke. */
describe.skipIf(!isRoot())("pairing", () => {
  let sites: Sites;
  let folder: string;
  let concentrator: Program;
  let one: Home;
  let two: Home;
  const clients = new Map<string, Program>();

  const wanbond = (namespace: Namespace, ...parameters: readonly string[]) =>
    run(namespace, wanbondCommand(...parameters));
  const socket = () => concentrator.controlSocket;
  const onVps = (...parameters: readonly string[]) =>
    wanbond(sites.concentrator, "concentrator", ...parameters, "--socket", socket());
  const fileOf = (home: string) => join(folder, home, "client.toml");
  const joinAt = (home: Home, line: string, ...more: readonly string[]) =>
    wanbond(home.router, "client", "join", line, "--config", fileOf(home.name), ...more);
  const inviteFor = async (name: string) => (await requestInvite(socket(), { name, lan: [], lifeS: 3600 })).invite;
  const openInvites = async () => (await readClients(socket())).invites.map(({ name }) => name);

  const reaches = (from: Namespace, deadlineMs = 10_000) => {
    const what = `${from.name} reaches the office`;
    return waitFor(async () => (await answersOfTen(from, OFFICE.routed)) === 10, { what, deadlineMs });
  };

  /** Starts the program with the file that `join` wrote, with its sockets in a folder of the test. */
  async function startClient(home: Home, from = fileOf(home.name)): Promise<Program> {
    const own = join(folder, home.name);
    const sockets = `stateDirectory = "${own}/state"\ncontrolSocket = "${own}/client.sock"\ntap`;
    writeFileSync(fileOf(home.name), readFileSync(from, "utf8").replace(/^tap/m, sockets));
    const program = new Program("client", home.router, own);
    clients.set(home.name, program);
    await program.start();
    return program;
  }

  beforeAll(async () => {
    sites = await buildSites();
    await addRoutedAddresses(sites);
    const [first, second] = sites.homes;
    if (first === undefined || second === undefined) throw new Error("unreachable: there are two homes");
    [one, two] = [first, second];
    folder = mkdtempSync(join(tmpdir(), `wanbond-pairing-${process.pid}-`));
  });
  afterAll(async () => {
    await Promise.all([...clients.values(), concentrator].map((program) => program?.stop()));
    sites?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("init writes a configuration that runs, and never a second time unasked", async () => {
    const own = join(folder, "vps");
    const file = join(own, "concentrator.toml");
    const init = await wanbond(sites.concentrator, "concentrator", "init", "--config", file);
    expect(init).toMatchObject({ status: 0, stderr: "" });
    expect(init.stdout).toContain("clients reach it at 203.0.113.10:51900");
    expect([file, join(own, "concentrator.key"), own].map((each) => statSync(each).mode & 0o777)).toEqual([
      0o600, 0o600, 0o700,
    ]);
    const again = await wanbond(sites.concentrator, "concentrator", "init", "--config", file);
    expect(again).toMatchObject({ status: 73, stderr: expect.stringContaining("--force") });
    const places = `stateDirectory = "${own}/state"\ncontrolSocket = "${own}/concentrator.sock"\ndataDirectory = "${own}/data"\ntap`;
    writeFileSync(file, readFileSync(file, "utf8").replace(/^tap/m, places));
    const relative = wanbondCommand("concentrator", "init", "--config", "elsewhere/c.toml", "--listen", "0.0.0.0:1");
    const inFolder = ["sh", "-c", `cd ${folder} && exec "$@"`, "sh"];
    expect((await run(sites.concentrator, [...inFolder, ...relative])).status).toBe(0);
    expect((await wanbond(sites.concentrator, "check", "--config", join(folder, "elsewhere/c.toml"))).status).toBe(0);
    const check = await wanbond(sites.concentrator, "check", "--config", file);
    expect(check.stdout).toContain("OK, routed concentrator wb0, no client in the file");
    concentrator = new Program("concentrator", sites.concentrator, own);
    await concentrator.start();
  });

  it("invite and join make a client, whose LAN reaches the internet", async () => {
    const invited = await onVps("invite", "home1");
    expect(invited.stdout.split("\n")[0]).toMatch(/^wb1:[\w-]{80,120}$/);
    expect(invited.stdout).toMatch(/█▀▀▀▀▀█|█ ▄▄▄▄▄ █/);
    const line = invited.stdout.split("\n")[0] ?? "";
    const joined = await joinAt(one, line);
    expect(joined).toMatchObject({ status: 0, stderr: "" });
    expect(joined.stdout).toContain("client home1, 10.200.0.2/32; uplinks up1, up2; behind it 192.168.61.0/24");
    expect(joined.stdout).toContain(`Now start it: wanbond client run --config ${fileOf("home1")}`);
    expect(readdirSync(join(folder, "home1")).sort()).toEqual(["client.key", "client.toml"]);
    await startClient(one);
    await reaches(one.lan);
    const { clients: list, invites } = await readClients(socket());
    expect(invites).toEqual([]);
    expect(list).toMatchObject([{ name: "home1", origin: "joined", state: "up", lan: ["192.168.61.0/24"] }]);
  });

  it("a second client joins and is put out again, and the first one loses no packet over it", async () => {
    const probe = await startProbe(one.lan, sites.office, OFFICE.routed, 5300, 200);
    expect((await joinAt(two, await inviteFor("home2"))).status).toBe(0);
    const client = await startClient(two);
    await reaches(two.lan);
    expect(await sites.concentrator.exec(["ip", "route"])).toContain("192.168.62.0/24 dev wb0");

    expect((await onVps("revoke", "home2")).stdout).toBe("home2 is out: its session is closed\n");
    await waitFor(() => client.events("removed").length > 0, { what: "home2 says that it was put out" });
    expect((await client.status()).bonds[0]?.reason).toBe("removed by the concentrator");
    expect(await answersOfTen(two.lan, OFFICE.routed)).toBe(0);
    const isGone = async () => !(await sites.concentrator.exec(["ip", "route"])).includes("192.168.62.0/24");
    await waitFor(isGone, { what: "the routes of home2 are gone" });
    expect((await readClients(socket())).clients.map(({ name }) => name)).toEqual(["home1"]);

    // Invited again with the key it has, it is back without a restart of its own.
    expect((await joinAt(two, await inviteFor("home2"), "--force")).status).toBe(0);
    await reaches(two.lan, 30_000);
    expect((await client.status()).bonds[0]?.reason).toBeNull();
    expect((await onVps("revoke", "home2")).status).toBe(0);
    expect(summarizeProbe(await probe.stop())).toMatchObject({ lost: 0, duplicates: 0 });
    await client.stop();
  });

  it("clients and invites outlive a restart of the concentrator", async () => {
    const line = await inviteFor("home3");
    await concentrator.stop();
    await concentrator.start();
    await reaches(one.lan);
    expect(await openInvites()).toEqual(["home3"]);
    const check = await wanbond(sites.concentrator, "check", "--json", "--config", concentrator.configFile);
    expect(JSON.parse(check.stdout).clients).toEqual([{ name: "home1", origin: "joined" }]);
    rmSync(join(folder, "home2"), { recursive: true });
    expect((await joinAt(two, line)).status).toBe(0);
    await revokeClient(socket(), "home3");
  });

  describe("bad input changes nothing", () => {
    const place = () => join(folder, "home2");
    beforeAll(() => rmSync(place(), { recursive: true, force: true }));

    /** One sentence, the exit status, and neither file nor folder left behind; the invite is still good. */
    async function refused(ended: Ended, status: number, sentence: RegExp, invites: string[]): Promise<void> {
      expect(ended).toMatchObject({ status, stderr: expect.stringMatching(sentence) });
      expect(ended.stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(readdirSync(folder).includes("home2") ? readdirSync(place()) : []).toEqual([]);
      expect(await openInvites()).toEqual(invites);
    }

    it("an invite that is cut, altered, foreign or used", async () => {
      const line = await inviteFor("home4");
      await refused(await joinAt(two, line.slice(0, -5)), 65, /is cut off/, ["home4"]);
      const changed = line.slice(0, 50) + (line[50] === "A" ? "B" : "A") + line.slice(51);
      await refused(await joinAt(two, changed), 65, /was altered/, ["home4"]);
      await refused(await joinAt(two, "https://example.net/"), 65, /is no invite of wanbond/, ["home4"]);
      const used = await inviteFor("home5");
      expect((await joinAt(two, used)).status).toBe(0);
      await revokeClient(socket(), "home5");
      rmSync(place(), { recursive: true });
      await refused(await joinAt(two, used), 65, /was used already/, ["home4"]);
    });

    it("addresses that are in the way: another client's LAN, the tunnel's, an uplink's", async () => {
      const line = await inviteFor("home6");
      const invites = ["home4", "home6"];
      const { router } = two;
      await router.ip("addr add 192.168.61.77/24 dev lan");
      await refused(await joinAt(two, line), 78, /192\.168\.61\.0\/24 overlaps with .* of the client home1/, invites);
      await router.ip("addr del 192.168.61.77/24 dev lan", "addr add 10.200.0.77/16 dev lan");
      await refused(await joinAt(two, line), 78, /overlaps with the tunnel's network/, invites);
      await router.ip(
        "addr del 10.200.0.77/16 dev lan",
        "addr add 10.9.0.1/24 dev lan",
        "addr add 10.9.0.2/24 dev up1",
      );
      await router.ip("route replace default via 10.9.0.3 dev up1 src 10.9.0.2 metric 1");
      await refused(await joinAt(two, line), 78, /are both in 10\.9\.0\.0\/24/, invites);
      await router.ip("route del default via 10.9.0.3", "addr del 10.9.0.1/24 dev lan", "addr del 10.9.0.2/24 dev up1");
      await refused(await joinAt(two, line, "--lan", "192.0.2.0/24"), 78, /is no private network/, invites);
    });

    it("no tun device, no uplink, a full disk", async () => {
      const line = await inviteFor("home7");
      const invites = ["home4", "home6", "home7"];
      const join = wanbondCommand("client", "join", line, "--config", fileOf("home2"));
      const hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs tmpfs /dev/net && exec "$@"', "sh", ...join];
      await refused(await run(two.router, hidden), 69, /\/dev\/net\/tun is missing/, invites);
      await two.router.ip("link set up1 down", "link set up2 down");
      await refused(await joinAt(two, line), 69, /has no internet line/, invites);
      for (const [index, { device, gateway }] of two.uplinks.entries()) {
        await two.router.ip(`link set ${device} up`, `route add default via ${gateway} metric ${101 + index}`);
      }
      mkdirSync(place(), { recursive: true, mode: 0o700 });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k,mode=700", "tmpfs", place()]);
      try {
        await refused(await joinAt(two, line), 73, /no room on the disk .* Nothing was changed/, invites);
      } finally {
        execFileSync("umount", [place()]);
      }
    });

    it("a configuration that is there, and the key of another client", async () => {
      const line = await inviteFor("home8");
      expect(await joinAt(one, line)).toMatchObject({ status: 73, stderr: expect.stringContaining("There is ") });
      mkdirSync(place(), { recursive: true, mode: 0o700 });
      copyFileSync(join(folder, "home1", "client.key"), join(place(), "client.key"));
      const ended = await joinAt(two, line);
      expect(ended).toMatchObject({ status: 78, stderr: expect.stringContaining("already that of the client home1") });
      expect(readdirSync(place())).toEqual(["client.key"]);
      chmodSync(join(place(), "client.key"), 0o644);
      expect(await joinAt(two, line)).toMatchObject({ status: 78, stderr: expect.stringContaining("chmod 600") });
      expect(await openInvites()).toContain("home8");
      rmSync(place(), { recursive: true });
    });

    it("without a second uplink it joins, and says what is missing", async () => {
      await two.router.ip("link set up2 down");
      const joined = await joinAt(two, await inviteFor("home9"));
      await two.router.ip("link set up2 up", `route add default via ${two.uplinks[1]?.gateway} metric 102`);
      expect(joined).toMatchObject({ status: 0, stdout: expect.stringContaining("bonding needs two") });
    });

    it("two programs with one key: the concentrator finds out and says so", async () => {
      copyFileSync(join(folder, "home1", "client.key"), join(place(), "client.key"));
      writeFileSync(
        join(folder, "copied.toml"),
        readFileSync(fileOf("home1"), "utf8")
          .replaceAll(join(folder, "home1"), place())
          .replaceAll(/^(state|control).*\n/gm, ""),
      );
      const copy = await startClient(two, join(folder, "copied.toml"));
      const said = () => concentrator.events("identity-shared")[0];
      expect(await waitFor(said, { what: "the shared key is noticed", deadlineMs: 30_000 })).toMatchObject({
        client: "home1",
      });
      await copy.stop();
      // Members that came and went so often wait longer before they are let in again.
      await reaches(one.lan, 60_000);
    });
  });
});
