import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bondOf } from "../support/bond-watch.ts";
import { HOST_PORT, Host } from "../support/host.ts";
import { isRoot, type Namespace } from "../support/netns.ts";
import { answersOfTen } from "../support/ping.ts";
import { prepareSitePrograms, type SitePrograms } from "../support/site-programs.ts";
import { addBridges, bridgedAddress, buildSites, OFFICE, type Sites } from "../support/sites.ts";

/** The hosts of one Ethernet segment over the tunnel: an office and two LANs, each behind a Linux bridge with the TAP as a port. */
describe.skipIf(!isRoot())("hosts of a bridged bond", () => {
  let sites: Sites;
  let programs: SitePrograms;
  let lan1: Namespace;
  let lan2: Namespace;
  const hosts: Host[] = [];

  beforeAll(async () => {
    sites = await buildSites();
    await addBridges(sites);
    const [first, second] = sites.homes;
    if (first === undefined || second === undefined) throw new Error("unreachable: there are two homes");
    [lan1, lan2] = [first.lan, second.lan];
    programs = await prepareSitePrograms(sites, { mode: "bridged", bonding: { defaultBondingPolicy: "balance-rr" } });
    await programs.start();
    hosts.push(new Host(sites.office), new Host(lan1));
    await hosts[0]?.ask("serve", { port: HOST_PORT });
  });
  afterAll(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await programs?.stop();
    sites?.remove();
  });

  it("find each other by ARP and reach each other", async () => {
    expect(await answersOfTen(lan1, OFFICE.bridged)).toBe(10);
    expect(await answersOfTen(lan2, OFFICE.bridged)).toBe(10);
    const office = (await sites.office.exec(["cat", "/sys/class/net/eth0/address"])).trim();
    expect(await lan1.exec(["ip", "neigh", "show", OFFICE.bridged])).toContain(office);
  });

  it("send IP packets of 1500 bytes that may not be fragmented over lines of 1500 bytes", async () => {
    const options = ["-M", "do", "-s", "1472"];
    expect(await answersOfTen(lan1, OFFICE.bridged, ...options)).toBe(10);
    expect(await answersOfTen(sites.office, bridgedAddress(0), ...options)).toBe(10);
    expect((await bondOf(programs.concentrator, "home1")).mtu).toBeLessThan(1500);
  });

  it.each(["up", "down"] as const)("move bytes by TCP %s, unharmed", async (direction) => {
    const options = { address: OFFICE.bridged, port: HOST_PORT, sizeBytes: 3_000_000, direction };
    expect(await hosts[1]?.ask("transfer", options)).toEqual({ intact: true, seenFrom: bridgedAddress(0) });
  });

  it.each([1472, 1473, 8000])("exchange datagrams of %d bytes", async (sizeBytes) => {
    const options = { address: OFFICE.bridged, port: HOST_PORT, sizeBytes, deadlineMs: 5000 };
    expect(await hosts[1]?.ask("datagram", options)).toEqual({ intact: true, seenFrom: bridgedAddress(0) });
  });

  it("ask everybody for an address without having one, as DHCP does", async () => {
    const listen = `const socket = require("node:dgram").createSocket("udp4").bind(67);
      socket.on("message", (_, { address }) => { console.log(address); process.exit(); });`;
    const send = `const socket = require("node:dgram").createSocket("udp4");
      socket.bind(68, () => { socket.setBroadcast(true);
        setInterval(() => socket.send("discover", 67, "255.255.255.255"), 50); setTimeout(process.exit, 1500); });`;
    await lan2.ip("addr flush dev eth0", "route add 255.255.255.255/32 dev eth0");
    const [seen] = await Promise.all([
      sites.office.exec([process.execPath, "-e", listen]),
      lan2.exec([process.execPath, "-e", send]),
    ]);
    expect(seen).toBe("0.0.0.0\n");
    await lan2.ip(`addr add ${bridgedAddress(1)}/24 dev eth0`);
  });

  it("of two clients do not reach each other", async () => {
    expect(await answersOfTen(lan1, bridgedAddress(1))).toBe(0);
    expect(await answersOfTen(lan2, OFFICE.bridged)).toBe(10);
  });
});
