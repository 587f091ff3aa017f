import { checkConfigText } from "@wanbond/shared/config";
import type { AddressFact, LinkFact, RouteFact } from "@wanbond/shared/system";
import { describe, expect, it } from "vitest";
import { clientDocument } from "../../src/join/client-document.ts";
import { findLanNetworks, givenNetworks, requireApartNetworks, requireUplinks } from "../../src/join/lan-discovery.ts";
import { resolveUplinks } from "../../src/uplink/index.ts";

const link = (name: string, more: Partial<LinkFact> = {}): LinkFact => ({
  name,
  index: 1,
  kind: "",
  up: true,
  carrier: true,
  pointToPoint: false,
  loopback: false,
  arp: true,
  mtu: 1500,
  queueFrames: 1000,
  addrGenMode: null,
  master: null,
  ...more,
});
const address = (device: string, text: string, length = 24): AddressFact => ({
  device,
  family: text.includes(":") ? 6 : 4,
  address: text,
  length,
  scope: 0,
  steady: true,
});
const byDefault = (device: string, gateway: string): RouteFact => ({
  family: 4,
  destination: "default",
  table: 254,
  device,
  gateway,
  metric: 100,
  protocol: 3,
  source: null,
});

/** A router with one uplink and what else stands on such hosts. */
const facts = {
  links: [
    link("lo", { loopback: true }),
    link("eth0"),
    link("br-lan", { kind: "bridge" }),
    link("docker0", { kind: "bridge" }),
    link("wg0", { kind: "wireguard" }),
    link("eth5", { up: false }),
    link("eth6"),
  ],
  addresses: [
    address("lo", "127.0.0.1", 8),
    address("eth0", "192.168.100.2"),
    address("br-lan", "192.168.50.1"),
    address("br-lan", "fd00:50::1", 64),
    address("docker0", "172.17.0.1", 16),
    address("wg0", "10.6.0.2"),
    address("eth5", "192.168.55.1"),
    address("eth6", "198.51.100.1"),
  ],
  defaultRoutes: [byDefault("eth0", "192.168.100.1")],
};
const uplinks = () => resolveUplinks("auto", facts, ["wb0"]);
const found = (changed = facts) => findLanNetworks(changed, resolveUplinks("auto", changed, ["wb0"]));

describe("networks behind a router", () => {
  it("are private ones on devices that are no uplinks, tunnels, containers or switched off", () => {
    expect(found().map(({ network, device }) => `${device} ${network.text}`)).toEqual([
      "br-lan 192.168.50.0/24",
      "br-lan fd00:50::/64",
    ]);
  });

  it("are named once, however many addresses the router has in them", () => {
    const addresses = [...facts.addresses, address("br-lan", "192.168.50.254")];
    expect(found({ ...facts, addresses })).toHaveLength(2);
  });

  it("must be others than those of the uplinks", () => {
    const addresses = [...facts.addresses, address("br-lan", "192.168.100.9", 25)];
    expect(() => requireApartNetworks(found({ ...facts, addresses }), uplinks())).toThrow(
      /br-lan \(LAN\) and eth0 \(uplink\) are both in 192\.168\.100\.0\/25/,
    );
    expect(() => requireApartNetworks(found(), uplinks())).not.toThrow();
  });

  it("may be given instead, as networks", () => {
    expect(givenNetworks(["192.168.7.0/24", "fd00:7::/64"])).toEqual(["192.168.7.0/24", "fd00:7::/64"]);
    for (const text of ["192.168.7.1/24", "0.0.0.0/0", "lan", "192.168.7.0/33"]) {
      expect(() => givenNetworks([text])).toThrow(/is no network/);
    }
  });
});

describe("uplinks of a join", () => {
  it("say what is wrong with each when none can be used", () => {
    const dark = { ...facts, links: facts.links.map((each) => ({ ...each, carrier: false })) };
    expect(() => requireUplinks(resolveUplinks("auto", dark, []))).toThrow(/eth0 \(no-carrier\)/);
    expect(() => requireUplinks([])).toThrow(/no device has a default route/);
    expect(requireUplinks(uplinks()).map(({ name }) => name)).toEqual(["eth0"]);
  });
});

describe("the file of a new client", () => {
  it.each(["routed", "bridged"] as const)("is a good configuration: %s", (mode) => {
    const text = clientDocument({
      name: "home1",
      keyFile: "/etc/wanbond/client.key",
      tap: "wb0",
      mode,
      lan: ["192.168.50.0/24"],
      concentratorKey: "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
      endpoints: ["203.0.113.10:51900", "[2001:db8::10]:51900"],
      joined: "2026-01-01T00:00:00.000Z",
    });
    expect(checkConfigText(text, "client.toml")).toMatchObject({ role: "client", config: { client: { mode } } });
  });
});
