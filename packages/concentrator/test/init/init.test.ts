import { checkConfigText } from "@wanbond/shared/config";
import { describe, expect, it } from "vitest";
import { chooseTunnelAddress } from "../../src/init/address-plan.ts";
import { concentratorDocument } from "../../src/init/concentrator-document.ts";
import { cloudHints } from "../../src/init/firewall-hints.ts";

describe("the plan of addresses", () => {
  it.each([
    ["an empty host", [], "10.200.0.1/24"],
    ["a host with that network", ["10.200.0.0/24"], "10.201.0.1/24"],
    ["a host inside a wide one", ["10.192.0.0/11"], "10.224.0.1/24"],
    ["a host with all of 10/8", ["10.0.0.0/8"], "172.31.0.1/24"],
    ["clients whose LANs are known", ["10.200.0.128/25", "10.201.0.7"], "10.202.0.1/24"],
    ["a host with all that is private", ["10.0.0.0/8", "172.16.0.0/12"], null],
  ])("avoids what is in use: %s", (_what, inUse, expected) => {
    expect(chooseTunnelAddress(inUse)).toBe(expected);
  });
});

describe("a new concentrator's file", () => {
  it("is a good configuration, with IPv6 and without", () => {
    for (const address of [["10.200.0.1/24"], ["10.200.0.1/24", "fd00:200::1/64"]]) {
      const text = concentratorDocument({
        listen: ["0.0.0.0:51900", "[::]:51900"],
        endpoints: ["203.0.113.10:51900"],
        keyFile: "/etc/wanbond/concentrator.key",
        tap: "wb0",
        address,
        written: "2026-01-01T00:00:00.000Z",
      });
      const { config } = checkConfigText(text, "concentrator.toml");
      expect(config).toMatchObject({ concentrator: { nat: true, nat66: address.length > 1, tap: "wb0" }, client: [] });
    }
  });
});

describe("hints about firewalls of providers", () => {
  it.each([
    ["Amazon EC2", /security group/],
    ["Google Google Compute Engine", /VPC firewall/],
    ["Hetzner vServer", /Hetzner/],
  ])("name the one of %s", (vendor, expected) => {
    expect(cloudHints(vendor, 51900).join()).toMatch(expected);
  });

  it("are not given where there is none", () => {
    expect(cloudHints("QEMU Standard PC", 51900)).toEqual([]);
  });
});
