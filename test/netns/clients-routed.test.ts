import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bondOf } from "../support/bond-watch.ts";
import { isRoot, type Namespace } from "../support/netns.ts";
import { answersOfTen } from "../support/ping.ts";
import { prepareSitePrograms, type SitePrograms } from "../support/site-programs.ts";
import { addRoutedAddresses, buildSites, type Home, OFFICE, SITE_ADDRESSES, type Sites } from "../support/sites.ts";
import { startProbe, summarizeProbe } from "../support/udp-probe.ts";
import { waitFor } from "../support/wait.ts";

const STRANGE_ADDRESS = "192.0.2.77";

/** Two households on one concentrator. */
describe.skipIf(!isRoot())("two clients of one concentrator", () => {
  let sites: Sites;
  let programs: SitePrograms;
  let one: Home;
  let two: Home;

  beforeAll(async () => {
    sites = await buildSites();
    await addRoutedAddresses(sites);
    // A policy that sends every frame once: what is dropped is counted by the frame.
    programs = await prepareSitePrograms(sites, { mode: "routed", bonding: { defaultBondingPolicy: "balance-xor" } });
    const [first, second] = sites.homes;
    if (first === undefined || second === undefined) throw new Error("unreachable: there are two homes");
    [one, two] = [first, second];
    await programs.start();
  });
  afterAll(async () => {
    await programs?.stop();
    sites?.remove();
  });

  const drops = async (reason: string) => (await programs.concentrator.status()).drops[reason] ?? 0;
  /** Waits until a host's pings are answered. */
  const reaches = (from: Namespace, address: string) =>
    waitFor(async () => (await answersOfTen(from, address)) > 0, { what: `${from.name} reaches ${address}` });

  it("both reach the internet, each other's routers and LANs not", async () => {
    for (const { lan, router } of [one, two]) {
      expect(await answersOfTen(lan, OFFICE.routed)).toBe(10);
      expect(await answersOfTen(router, OFFICE.routed)).toBe(10);
      expect(await answersOfTen(lan, SITE_ADDRESSES.inner)).toBe(10);
    }
    const before = await drops("client-to-client");
    expect(await answersOfTen(one.lan, two.lanAddress)).toBe(0);
    expect(await answersOfTen(one.lan, two.innerAddress)).toBe(0);
    expect(await answersOfTen(two.router, one.innerAddress)).toBe(0);
    expect((await drops("client-to-client")) - before).toBe(30);
  });

  /** The other's address, one of the other's LAN, nobody's, the concentrator's own. */
  const foreign = () =>
    [
      [one.router, "wb0", two.innerAddress],
      [one.lan, "eth0", two.lanAddress],
      [one.lan, "eth0", STRANGE_ADDRESS],
      [one.router, "wb0", SITE_ADDRESSES.inner],
    ] as const;

  it("one cannot send from an address that is not its own, which the other does not notice", async () => {
    const probe = await startProbe(two.lan, sites.office, OFFICE.routed, 5300, 200);
    for (const [host, device, address] of foreign()) {
      await host.ip(`addr add ${address}/32 dev ${device}`);
      const before = await drops("foreign-source");
      expect([address, await answersOfTen(host, OFFICE.routed, "-I", address)]).toEqual([address, 0]);
      expect([address, (await drops("foreign-source")) - before]).toEqual([address, 10]);
      await host.ip(`addr del ${address}/32 dev ${device}`);
    }
    expect(summarizeProbe(await probe.stop()).lost).toBe(0);
    expect(await answersOfTen(one.lan, OFFICE.routed)).toBe(10);
  });

  it.each(["stop", "kill"] as const)("the end of one by %s does not disturb the other; it comes back", async (end) => {
    const { rekeys } = await bondOf(programs.concentrator, "home2");
    const probe = await startProbe(two.lan, sites.office, OFFICE.routed, 5300, 200);
    await programs.clients[0]?.[end]();
    expect(await answersOfTen(one.lan, OFFICE.routed)).toBe(0);
    await programs.clients[0]?.start();
    await reaches(one.lan, OFFICE.routed);
    expect(summarizeProbe(await probe.stop())).toMatchObject({ lost: 0, duplicates: 0, reordered: 0 });
    expect((await bondOf(programs.concentrator, "home2")).rekeys).toBe(rekeys);
  });

  it("one that the concentrator knows no more stays out; the other is back by itself", async () => {
    await programs.concentrator.stop();
    programs.configure({ known: ["home2"] });
    await programs.concentrator.start();
    await reaches(two.lan, OFFICE.routed);
    await waitFor(async () => (await drops("handshake-unknown-peer")) > 0, { what: "home1 asks in vain" });
    expect(await answersOfTen(one.lan, OFFICE.routed)).toBe(0);
  });

  it("clientToClient: they reach each other, each from its own addresses", async () => {
    await programs.concentrator.stop();
    programs.configure({ concentrator: { clientToClient: true } });
    await programs.concentrator.start();
    for (const { lan } of [one, two]) await reaches(lan, OFFICE.routed);
    await reaches(one.lan, two.lanAddress);
    expect(await answersOfTen(one.lan, two.lanAddress)).toBe(10);
    expect(await answersOfTen(two.lan, one.innerAddress)).toBe(10);
    const before = await drops("foreign-source");
    await one.lan.ip(`addr add ${STRANGE_ADDRESS}/32 dev eth0`);
    expect(await answersOfTen(one.lan, two.lanAddress, "-I", STRANGE_ADDRESS)).toBe(0);
    expect((await drops("foreign-source")) - before).toBe(10);
  });
});
