import { readFileSync } from "node:fs";
import type { Runner } from "@wanbond/shared/system";
import { describe, expect, it } from "vitest";
import { type ResolvedUplink, readUplinkFacts, resolveUplinks, type UplinkFacts } from "../../src/uplink/index.ts";
import { diffUplinks } from "../../src/uplink/uplink-diff.ts";

/** What `ip -N -j -d` said on a router with five kinds of lines, by question. */
const answers: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(new URL("router.json", import.meta.url), "utf8"),
);
const runner: Runner = {
  run: async (_program, args) => JSON.stringify(answers[args.slice(3).join(" ")]),
  readSetting: async () => "0",
  writeSetting: async () => {},
};
const facts = await readUplinkFacts(runner);

const automatic = (device: string) => ({ name: device, device, source: null, gateway: null });
const find = (device: string, own: Partial<{ source: string; gateway: string }> = {}, from: UplinkFacts = facts) =>
  resolveUplinks([{ ...automatic(device), ...own }], from, ["wb0"])[0];

describe("automatic uplinks", () => {
  it("are the devices with a default route in table main, best metric first, without tunnels", () => {
    expect(resolveUplinks("auto", facts, ["wb0"]).map(({ name }) => name)).toEqual(["dsl", "cable", "lte", "multi"]);
  });

  it("do not include our own TAP, whoever made its default route", () => {
    const [first] = facts.defaultRoutes;
    if (first === undefined) throw new Error("the fixture has default routes");
    const own = { ...first, device: "wb0" };
    const links = facts.links.map((link) => (link.name === "lan" ? { ...link, name: "wb0" } : link));
    const names = resolveUplinks("auto", { ...facts, links, defaultRoutes: [own] }, ["wb0"]);
    expect(names).toEqual([]);
  });
});

describe("automatic uplinks beside listed ones", () => {
  it("are those of the other devices, under names that are free", () => {
    const listed = [{ ...automatic("cable"), name: "lte" }];
    const found = resolveUplinks(listed, facts, ["wb0"], true);
    expect(found.map(({ name, device }) => `${name} ${device}`)).toEqual([
      "lte cable",
      "dsl dsl",
      "lte-auto lte",
      "multi multi",
    ]);
  });
});

describe("an uplink finds its source and gateway", () => {
  it("by the default route of its device, IPv4 and IPv6", () => {
    expect(find("cable")).toMatchObject({
      index: expect.any(Number),
      mtu: 1500,
      up: true,
      unusable: null,
      ipv4: { source: "192.168.101.254", network: "192.168.101.0/24", gateway: "192.168.101.1" },
      ipv6: { source: "2001:db8:1::2", network: "2001:db8:1::/64", gateway: "fe80::1" },
    });
  });

  it("without a gateway on a point-to-point line", () => {
    expect(find("dsl")).toMatchObject({
      pointToPoint: true,
      ipv4: { source: "100.64.0.2", gateway: null },
      ipv6: null,
    });
  });

  it("in its own table, where table main has no default route for it", () => {
    expect(find("fibre")?.ipv4).toEqual({
      source: "192.168.103.254",
      network: "192.168.103.0/24",
      gateway: "192.168.103.1",
    });
  });

  it("among several addresses by the neighbourhood of the gateway", () => {
    expect(find("multi")?.ipv4).toMatchObject({ source: "192.168.104.254", gateway: "192.168.104.1" });
  });

  it("as one of the hops of a multipath route", () => {
    expect(find("lte")?.ipv4?.gateway).toBe("192.168.8.1");
  });

  it("as they are given, and then of that IP version only", () => {
    expect(find("cable", { source: "2001:DB8:1:0::2" })).toMatchObject({
      ipv4: null,
      ipv6: { source: "2001:db8:1::2" },
    });
    expect(find("multi", { source: "10.9.9.9" })?.ipv4?.source).toBe("10.9.9.9");
    expect(find("cable", { gateway: "192.168.101.7" })?.ipv4?.gateway).toBe("192.168.101.7");
  });

  it("prefers an address that is routed in the internet and lasts", () => {
    const six = (address: string, steady: boolean) =>
      ({ device: "cable", family: 6, address, length: 64, scope: 0, steady }) as const;
    const addresses = [six("2001:db8:1::dead", false), six("fd00::1", true), six("2001:db8:1::5", true)];
    expect(find("cable", {}, { ...facts, addresses })?.ipv6?.source).toBe("2001:db8:1::5");
  });
});

describe("an uplink that cannot be used says why", () => {
  it.each([
    ["nowhere", "no-device"],
    ["off", "device-down"],
    ["pulled", "no-carrier"],
    ["bare", "no-address"],
  ])("%s: %s", (device, reason) => {
    expect(find(device)?.unusable).toBe(reason);
  });

  it("a source the device does not have: no-address", () => {
    expect(find("cable", { source: "192.168.101.99" })?.unusable).toBe("no-address");
  });
});

describe("diffUplinks", () => {
  const cable = find("cable");
  if (cable === undefined) throw new Error("the fixture has this device");
  const { ipv4 } = cable;
  if (ipv4 === null) throw new Error("the fixture gives it an address");
  const diff = (before: ResolvedUplink[], after: ResolvedUplink[]) =>
    diffUplinks(before, after).map((each) => {
      if (each.event === "down") return `${each.event} ${each.uplink.name}: ${each.reason}`;
      return each.event === "changed" ? `${each.event}: ${each.fields.join(" ")}` : `${each.event} ${each.uplink.name}`;
    });

  it("is silent when nothing changed", () => {
    expect(diff([cable], [{ ...cable }])).toEqual([]);
  });

  it("tells of coming and going, whether configured or found", () => {
    expect(diff([], [cable])).toEqual(["appeared cable"]);
    expect(diff([cable], [])).toEqual(["gone cable"]);
    expect(diff([cable], [{ ...cable, index: null, unusable: "no-device" }])).toEqual(["gone cable"]);
    expect(diff([{ ...cable, unusable: "no-device" }], [{ ...cable, unusable: "no-carrier" }])).toEqual([
      "appeared cable",
      "down cable: no-carrier",
    ]);
  });

  it("tells what leaves before what comes", () => {
    expect(diff([cable], [{ ...cable, name: "other" }])).toEqual(["gone cable", "appeared other"]);
  });

  it("tells of a new address, gateway, device or MTU", () => {
    expect(diff([cable], [{ ...cable, ipv4: { ...ipv4, source: "192.168.101.9" } }])).toEqual(["changed: source4"]);
    expect(diff([cable], [{ ...cable, ipv4: { ...ipv4, gateway: null } }])).toEqual(["changed: gateway4"]);
    expect(diff([cable], [{ ...cable, index: 99, mtu: 1400 }])).toEqual(["changed: index mtu"]);
  });

  it("tells of a lost address as of both, the change and what it means", () => {
    const bare = { ...cable, ipv4: null, ipv6: null, unusable: "no-address" } as const;
    expect(diff([cable], [bare])).toEqual(["changed: source4 gateway4 source6 gateway6", "down cable: no-address"]);
    expect(diff([bare], [cable])[1]).toBe("up cable");
  });
});
