import { describe, expect, it } from "vitest";
import { BondingSchema, parseBondingSettings, resolveBond } from "../../src/config/bonding-settings.ts";

/** The settings of a document that has no fault. */
function settingsOf(raw: unknown) {
  const parsed = parseBondingSettings(raw);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  return parsed.settings;
}

const resolved = (raw: unknown, peer?: string) => resolveBond(settingsOf(raw), peer);

/** "path: problem" of every fault. */
function faultsOf(raw: unknown): string[] {
  const parsed = parseBondingSettings(raw);
  return parsed.ok ? [] : parsed.faults.map(({ path, problem }) => `${path.join(".")}: ${problem}`);
}

describe("the examples of ZeroTier's manual", () => {
  it("a standard policy", () => {
    expect(resolved({ defaultBondingPolicy: "active-backup" })).toMatchObject({
      policy: "active-backup",
      basePolicy: "active-backup",
    });
  });

  it("a custom policy", () => {
    const bond = resolved({
      defaultBondingPolicy: "aggressive-active-backup",
      policies: {
        "aggressive-active-backup": {
          failoverInterval: 250,
          pathMonitorStrategy: "dynamic",
          basePolicy: "active-backup",
        },
      },
    });
    expect(bond).toMatchObject({ policy: "aggressive-active-backup", basePolicy: "active-backup" });
    expect(bond).toMatchObject({ failoverIntervalMs: 250, probeIntervalMs: 62, monitorStrategy: "dynamic" });
  });

  it("links with spares and IP versions (with the basePolicy that the manual forgets)", () => {
    const eth = (ipvPref: number) => ({ ipvPref, failoverTo: "eth2", mode: "primary" });
    const bond = resolved({
      defaultBondingPolicy: "mine",
      policies: {
        mine: {
          basePolicy: "balance-xor",
          links: { eth0: eth(46), eth1: eth(46), eth2: { ipvPref: 6, mode: "spare" } },
        },
      },
    });
    expect(bond.links["eth0"]).toMatchObject({ mode: "primary", failoverTo: "eth2", ipvPref: 46 });
    expect(bond.links["eth2"]).toMatchObject({ mode: "spare", failoverTo: null, ipvPref: 6 });
  });

  it("peer-specific bonds", () => {
    const raw = {
      defaultBondingPolicy: "active-backup",
      policies: {
        "my-custom-balance-aware": { failoverInterval: 2000, monitorStrategy: "dynamic", basePolicy: "balance-aware" },
      },
      peerSpecificBonds: { f6203a2db3: "my-custom-balance-aware" },
    };
    expect(resolved(raw, "f6203a2db3")).toMatchObject({ policy: "my-custom-balance-aware", failoverIntervalMs: 2000 });
    expect(resolved(raw, "constructor").policy).toBe("active-backup");
    expect(resolved(raw).policy).toBe("active-backup");
  });

  it("active-backup with a queue of spares", () => {
    const bond = resolved({
      defaultBondingPolicy: "active-backup",
      "active-backup": {
        linkSelectMethod: "always",
        links: { eth0: { failoverTo: "eth1", mode: "primary" }, eth1: { mode: "spare" }, eth2: { mode: "spare" } },
      },
    });
    expect(bond).toMatchObject({ linkSelectMethod: "always", primary: "eth0" });
  });

  it("balance-aware with quality weights, with speeds, with allocations", () => {
    const aware = (section: object) => resolved({ defaultBondingPolicy: "balance-aware", "balance-aware": section });
    const quality = { lat: 0.3, ltm: 0.2, pdv: 0.3, plr: 0.1, per: 0.1, avl: 0.0 };
    expect(aware({ balancePolicy: "flow-static", quality })).toMatchObject({ balancePolicy: "flow-static", quality });
    expect(aware({ links: { eth0: { speed: 10000 }, eth1: { speed: 1000 } } }).links["eth1"]).toMatchObject({
      speed: 1000,
      alloc: null,
    });
    const alloc = aware({ links: { eth0: { alloc: 0.5 }, eth1: { alloc: 0.25 }, eth2: { alloc: 0.25 } } });
    expect(alloc.links["eth2"]).toMatchObject({ alloc: 0.25 });
  });

  it("aggregate with a speed, as a limit, for one link alone", () => {
    const links = { eth0: { speed: 0.5 }, eth1: {} };
    expect(resolved({ defaultBondingPolicy: "aggregate", links }).links["eth0"]).toMatchObject({ speed: 0.5 });
    expect(resolved({ defaultBondingPolicy: "aggregate", aggregate: { links } }).links["eth1"]).toMatchObject({
      speed: null,
    });
  });
});

describe("every key", () => {
  it.each([
    ["balance-rr", { packetsPerLink: 0 }, { packetsPerLink: 0 }],
    ["balance-rr", { maxHoldMs: 500 }, { maxHoldMs: 500 }],
    ["balance-rr", { resequencing: "off" }, { resequencing: "off" }],
    ["aggregate", { resequencing: "off" }, { resequencing: "off" }],
    ["aggregate", { maxHoldMs: 100 }, { maxHoldMs: 100 }],
    ["aggregate", { realtime: ["udp 5060", "10.0.0.0/8"] }, { realtime: ["udp 5060", "10.0.0.0/8"] }],
    ["balance-xor", { transmitHashPolicy: "encap2+3" }, { transmitHashPolicy: "encap2+3" }],
    ["balance-xor", { "transmit-hash-policy": "layer-2-and-3" }, { transmitHashPolicy: "layer2+3" }],
    ["balance-xor", { xmit_hash_policy: "layer2" }, { transmitHashPolicy: "layer2" }],
    ["balance-aware", { balancePolicy: "packet" }, { balancePolicy: "packet" }],
    ["broadcast", { dedup: false }, { dedup: false }],
    ["active-backup", { linkSelectMethod: "better" }, { linkSelectMethod: "better" }],
    ["active-backup", { activeReselect: "optimize" }, { linkSelectMethod: "optimize" }],
    ["active-backup", { primary_reselect: "failure" }, { linkSelectMethod: "failure" }],
    ["active-backup", { primary: "isp2" }, { primary: "isp2" }],
    ["none", { "min-links": 2 }, { minLinks: 2 }],
    ["none", { min_links: 2 }, { minLinks: 2 }],
    ["none", { minLinks: 3 }, { minLinks: 3 }],
    ["balance-xor", { "up-delay": 500, "down-delay": 100 }, { upDelayMs: 500, downDelayMs: 100 }],
    ["balance-xor", { updelay: 500, downdelay: 100 }, { upDelayMs: 500, downDelayMs: 100 }],
    ["balance-xor", { upDelay: 500, downDelay: 100 }, { upDelayMs: 500, downDelayMs: 100 }],
    ["balance-xor", { failoverInterval: 10_000 }, { failoverIntervalMs: 10_000, probeIntervalMs: 1000 }],
    ["balance-xor", { failoverInterval: 0 }, { failoverIntervalMs: 40, probeIntervalMs: 10 }],
    ["balance-xor", { probeInterval: 50 }, { probeIntervalMs: 50, failoverIntervalMs: 400 }],
    ["balance-xor", { monitorStrategy: "active" }, { monitorStrategy: "active" }],
    [
      "balance-xor",
      { evictRttMs: 0, evictRttFactor: 3.5, evictPlr: 0.1 },
      { evictRttMs: 0, evictRttFactor: 3.5, evictPlrRatio: 0.1 },
    ],
  ])("%s %j", (policy, section, expected) => {
    expect(resolved({ mode: policy, [policy]: section })).toMatchObject(expected);
  });

  it("of a link, whose intervals fall back on those of the policy", () => {
    const links = { isp1: { enabled: false, upDelay: 7, downDelay: 8, failoverInterval: 900 }, isp2: {} };
    const bond = resolved({ mode: "balance-xor", "balance-xor": { upDelay: 5, links } });
    expect(bond.links["isp1"]).toMatchObject({ enabled: false, upDelayMs: 7, downDelayMs: 8, failoverIntervalMs: 900 });
    expect(bond.links["isp2"]).toMatchObject({ enabled: true, upDelayMs: 5, downDelayMs: 0, failoverIntervalMs: 400 });
  });

  it("links beside the policies serve each policy that lists none", () => {
    const raw = { links: { a: { speed: 1 } }, "balance-rr": { links: { b: {} } } };
    expect(Object.keys(resolved({ ...raw, defaultBondingPolicy: "balance-rr" }).links)).toEqual(["b"]);
    expect(Object.keys(resolved(raw).links)).toEqual(["a"]);
  });

  it("links beside the policies may be what the default policy takes, where none is named", () => {
    const links = { lte: { speed: 5 }, dsl: {} };
    expect(resolved({ links }).links).toMatchObject({ lte: { speed: 5 }, dsl: { speed: null } });
    expect(resolved({ links })).toEqual(resolved({ defaultBondingPolicy: "aggregate", links }));
  });

  it("has a default", () => {
    expect(resolveBond(undefined)).toEqual(resolved({}));
    expect(resolveBond(undefined)).toMatchObject({
      policy: "aggregate",
      failoverIntervalMs: 400,
      probeIntervalMs: 100,
    });
  });
});

it("the first listed link of active-backup is its primary, unless any may be better", () => {
  const links = { b: {}, a: {} };
  expect(resolved({ mode: "active-backup", "active-backup": { links } }).primary).toBe("b");
  expect(
    resolved({ mode: "active-backup", "active-backup": { links, linkSelectMethod: "optimize" } }).primary,
  ).toBeNull();
});

it("what was checked can be pushed as JSON and checked again", () => {
  const raw = {
    mode: "x",
    policies: { x: { basePolicy: "balance-xor", "transmit-hash-policy": "layer-2", links: { a: { alloc: 3 } } } },
  };
  const pushed: unknown = JSON.parse(JSON.stringify(settingsOf(raw)));
  expect(pushed).toEqual({
    defaultBondingPolicy: "x",
    policies: { x: { basePolicy: "balance-xor", transmitHashPolicy: "layer2", links: { a: { alloc: 3 } } } },
  });
  expect(resolved(pushed)).toEqual(resolved(raw));
});

describe("faults", () => {
  const rr = (section: object) => ({ "balance-rr": section });
  const links = (list: object, policy = "balance-xor") => ({ [policy]: { links: list } });
  it.each<[string, unknown, string[]]>([
    ["unknown key", { foo: 1 }, ["foo: is not a known key"]],
    ["unknown key of a policy", rr({ packetPerLink: 1 }), ["balance-rr.packetPerLink: is not a known key"]],
    ["unknown key of a link", links({ a: { sped: 1 } }), ["balance-xor.links.a.sped: is not a known key"]],
    [
      "unknown key of quality",
      { "balance-aware": { quality: { latency: 1 } } },
      ["balance-aware.quality.latency: is not a known key"],
    ],
    [
      "policy key at the top",
      { "transmit-hash-policy": "layer2" },
      ["transmit-hash-policy: is a key of a policy, not of [bonding] itself"],
    ],
    ["unknown policy", { defaultBondingPolicy: "802.3ad" }, ['defaultBondingPolicy: is "802.3ad", which is no policy']],
    [
      "unknown policy of a peer",
      { peerSpecificBonds: { home: "balance-xxx" } },
      ['peerSpecificBonds.home: is "balance-xxx", which is no policy'],
    ],
    [
      "two names of one key",
      { defaultBondingPolicy: "none", mode: "none" },
      ["mode: is another name of defaultBondingPolicy, which is there too"],
    ],
    [
      "two names in a policy",
      { none: { minLinks: 1, "min-links": 1 } },
      ["none.min-links: is another name of minLinks, which is there too"],
    ],
    [
      "custom with a standard name",
      { policies: { broadcast: { basePolicy: "none" } } },
      ["policies.broadcast: has the name of a standard policy"],
    ],
    ["custom without a base", { policies: { mine: {} } }, ["policies.mine.basePolicy: is missing"]],
    ["base of a standard policy", { none: { basePolicy: "none" } }, ["none.basePolicy: is not a known key"]],
    [
      "no effect: packetsPerLink",
      { "active-backup": { packetsPerLink: 1 } },
      ["active-backup.packetsPerLink: has no effect in active-backup"],
    ],
    [
      "no effect: hash by MikroTik's name",
      rr({ "transmit-hash-policy": "layer2" }),
      ["balance-rr.transmit-hash-policy: has no effect in balance-rr"],
    ],
    ["no effect: dedup", rr({ dedup: true }), ["balance-rr.dedup: has no effect in balance-rr"]],
    ["no effect: primary", rr({ primary: "a" }), ["balance-rr.primary: has no effect in balance-rr"]],
    [
      "no effect: linkSelectMethod",
      rr({ activeReselect: "always" }),
      ["balance-rr.activeReselect: has no effect in balance-rr"],
    ],
    ["no effect: quality", rr({ quality: { lat: 1 } }), ["balance-rr.quality: has no effect in balance-rr"]],
    [
      "no effect: hash by packet",
      { "balance-aware": { balancePolicy: "packet", transmitHashPolicy: "layer2" } },
      ['balance-aware.transmitHashPolicy: has no effect with balancePolicy = "packet"'],
    ],
    [
      "no effect: quality beside alloc",
      { "balance-aware": { quality: { lat: 1 }, links: { a: { alloc: 1 } } } },
      ["balance-aware.quality: has no effect beside alloc"],
    ],
    [
      "no effect: maxHoldMs",
      { "balance-xor": { maxHoldMs: 9 } },
      ["balance-xor.maxHoldMs: has no effect without resequencing"],
    ],
    [
      "no effect: resequencing without dedup",
      { broadcast: { dedup: false, resequencing: "on" } },
      ["broadcast.resequencing: has no effect with dedup = false"],
    ],
    [
      "no effect: speed",
      links({ a: { speed: 1 } }, "broadcast"),
      ["broadcast.links.a.speed: has no effect in broadcast"],
    ],
    [
      "no effect: real-time rules elsewhere",
      { "balance-xor": { realtime: ["udp 1"] } },
      ["balance-xor.realtime: has no effect in balance-xor"],
    ],
    [
      "no effect: alloc in aggregate",
      links({ a: { alloc: 1 } }, "aggregate"),
      ["aggregate.links.a.alloc: has no effect in aggregate"],
    ],
    [
      "no effect: alloc of shared links",
      { mode: "none", links: { a: { alloc: 1 } } },
      ["links.a.alloc: has no effect in none"],
    ],
    [
      "no effect: alloc of shared links where no policy is named",
      { links: { a: { alloc: 1 } } },
      ["links.a.alloc: has no effect in aggregate"],
    ],
    [
      "speed for some of the shared links, where a peer's policy weighs by it",
      { peerSpecificBonds: { home: "balance-xor" }, links: { a: { speed: 5 }, b: {} } },
      ["links.b: has no speed, but other links have"],
    ],
    [
      "weights",
      { "active-backup": { quality: { lat: 0.5, plr: 0.4 } } },
      ["active-backup.quality: has weights that total 0.9"],
    ],
    [
      "fractions",
      links({ a: { alloc: 0.5 }, b: { alloc: 0.6 } }),
      ["balance-xor.links: have alloc fractions that total 1.1"],
    ],
    [
      "fractions and numbers",
      links({ a: { alloc: 0.5 }, b: { alloc: 60 } }),
      ["balance-xor.links.b.alloc: is 60 beside fractions"],
    ],
    ["alloc for some", links({ a: { alloc: 5 }, b: {} }), ["balance-xor.links.b: has no alloc, but other links have"]],
    [
      "speed for some",
      links({ a: { speed: 5 }, b: {}, c: { enabled: false } }),
      ["balance-xor.links.b: has no speed, but other links have"],
    ],
    [
      "speed and alloc",
      links({ a: { speed: 5, alloc: 5 } }),
      ["balance-xor.links.a.speed: has no effect beside alloc"],
    ],
    [
      "alloc too large",
      links({ a: { alloc: 256 } }),
      ["balance-xor.links.a.alloc: is 256, which is not a number from 0 to 255"],
    ],
    [
      "failoverTo unknown",
      links({ a: { failoverTo: "z" } }),
      ['balance-xor.links.a.failoverTo: is "z", which is not among the links'],
    ],
    ["failoverTo itself", links({ a: { failoverTo: "a" } }), ["balance-xor.links.a.failoverTo: names the link itself"]],
    [
      "failoverTo on a spare",
      links({ a: { mode: "spare", failoverTo: "b" }, b: {} }),
      ["balance-xor.links.a.failoverTo: stands on a spare"],
    ],
    [
      "failoverTo disabled",
      links({ a: { failoverTo: "b" }, b: { enabled: false } }),
      ['balance-xor.links.a.failoverTo: is "b", which is disabled'],
    ],
    [
      "two primaries",
      links({ a: { mode: "primary" }, b: { mode: "primary" } }, "active-backup"),
      ['active-backup.links.b.mode: is "primary", as that of a is; active-backup has one primary'],
    ],
    [
      "primary unknown",
      { "active-backup": { primary: "z", links: { a: {} } } },
      ['active-backup.primary: is "z", which is not among the links'],
    ],
    [
      "primary is a spare",
      { "active-backup": { primary: "a", links: { a: { mode: "spare" } } } },
      ['active-backup.primary: is "a", whose mode is "spare"'],
    ],
    [
      "primary and another",
      { "active-backup": { primary: "a", links: { a: {}, b: { mode: "primary" } } } },
      ['active-backup.primary: is "a", but the mode of b is "primary"'],
    ],
    ["all disabled", links({ a: { enabled: false } }), ["balance-xor.links: are all disabled"]],
    [
      "minLinks",
      { none: { "min-links": 2, links: { a: {}, b: { enabled: false } } } },
      ["none.min-links: is 2, but only 1 links are enabled"],
    ],
    [
      "probes too seldom",
      { none: { probeInterval: 300 } },
      ["none.probeInterval: is 300, more than half of failoverInterval (400)"],
    ],
    [
      "no number",
      rr({ packetsPerLink: "8" }),
      ['balance-rr.packetsPerLink: is "8", which is not a whole number from 0 to 65535'],
    ],
    [
      "out of range",
      rr({ failoverInterval: 65536 }),
      ["balance-rr.failoverInterval: is 65536, which is not a whole number from 0 to 65535"],
    ],
    [
      "hash policy",
      { "balance-xor": { transmitHashPolicy: "layer4" } },
      ['balance-xor.transmitHashPolicy: is "layer4", which is not a transmit hash policy'],
    ],
    [
      "ipvPref",
      links({ a: { ipvPref: 5 } }),
      ["balance-xor.links.a.ipvPref: is 5, which is not an IP version preference"],
    ],
  ])("%s", (_, raw, expected) => {
    expect(faultsOf(raw)).toEqual(expected);
  });

  it("come all at once, with what to do", () => {
    const raw = {
      defaultBondingPolicy: "balance-r",
      "balance-rr": { packetsPerLink: -1, dedup: true, links: { a: { mode: "main" } } },
    };
    const parsed = parseBondingSettings(raw);
    const told = parsed.ok ? [] : parsed.faults.map(({ path, remedy }) => `${path.join(".")}: ${remedy}`);
    expect(told).toMatchInlineSnapshot(`
      [
        "balance-rr.links.a.mode: Write one of "primary" or "spare".",
        "balance-rr.packetsPerLink: Write a whole number from 0 to 65535, without quotes.",
        "defaultBondingPolicy: Did you mean "balance-rr"? There are: none, active-backup, broadcast, balance-rr, balance-xor, balance-aware, aggregate.",
        "balance-rr.dedup: Remove it; it works in broadcast.",
      ]
    `);
    expect(BondingSchema.safeParse(raw).error?.issues.map(({ path }) => path.join("."))).toEqual(
      told.map((line) => line.split(":")[0]),
    );
  });

  it.each([
    null,
    [],
    "balance-rr",
    5,
    { policies: [] },
    { links: { a: null } },
    { "balance-rr": { links: [] } },
    { peerSpecificBonds: { a: 5 } },
  ])("never throw: %j", (raw) => expect(faultsOf(raw).length).toBeGreaterThan(0));
});
