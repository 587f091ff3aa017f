import { describe, expect, it } from "vitest";
import { type ClientConfig, checkConfigText } from "../../src/config/index.ts";
import { clientToml, configErrorOf, faultsOf, OTHER_PUBLIC_KEY } from "./support.ts";

const SECOND = `[[concentrator]]\npublicKey = "${OTHER_PUBLIC_KEY}"\nendpoints = ["198.51.100.7:51900"]\n`;
const UPLINK = '[[uplink]]\nname = "isp1"\ndevice = "eth1"\n';
const ROUTED = { client: "defaultRoute = true" };

/** A file with a second concentrator, and more lines at its end. */
function severalToml(second = SECOND, tail = ""): string {
  return clientToml({ ...ROUTED, tail: `${second}${UPLINK}${tail}` }).replace("\n[concentrator]", "\n[[concentrator]]");
}

function clientOf(text: string): ClientConfig {
  const checked = checkConfigText(text, "client.toml");
  if (checked.role !== "client") throw new Error("a concentrator's file");
  return checked.config;
}

describe("several concentrators", () => {
  it("are named by their numbers, unless they have names", () => {
    expect(clientOf(severalToml()).concentrators.map(({ name }) => name)).toEqual(["concentrator1", "concentrator2"]);
    const named = severalToml(SECOND.replace("publicKey", 'name = "paris"\npublicKey'));
    expect(clientOf(named).concentrators.map(({ name }) => name)).toEqual(["concentrator1", "paris"]);
    expect(clientOf(clientToml()).concentrators.map(({ name }) => name)).toEqual(["concentrator"]);
  });

  it.each([
    ["the same key twice", SECOND.replace(OTHER_PUBLIC_KEY, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=")],
    ["the same endpoint twice", SECOND.replace("198.51.100.7", "203.0.113.10")],
    ["the same endpoint in other words", SECOND.replace('["', '["198.51.100.7:51900", "')],
    ["an unknown key", SECOND.replace("endpoints", "endpoint")],
    ["no endpoint", SECOND.replace(/endpoints.*/, "endpoints = []")],
  ])("are refused with %s, at its place", (_, second) => {
    const { faults } = configErrorOf(() => checkConfigText(severalToml(second), "client.toml"));
    expect(faults[0]?.key).toMatch(/^concentrator\[1\]\.(publicKey|endpoints?)/);
    expect(Number.parseInt(faults[0]?.place ?? "", 10)).toBeGreaterThanOrEqual(7);
  });

  it("are refused in bridged mode", () => {
    const text = severalToml().replace("defaultRoute = true", 'mode = "bridged"');
    expect(faultsOf(text)).toEqual(["7:1 concentrator[1]"]);
  });

  it("may be at most as many endpoints times uplinks, each, as there are paths", () => {
    const many = Array.from({ length: 16 }, (_, index) => `"198.51.100.7:${index + 1}"`).join(", ");
    const second = SECOND.replace('"198.51.100.7:51900"', many);
    const text = severalToml(second, UPLINK.replaceAll("1", "2"));
    expect(faultsOf(text)).toEqual(["9:1 concentrator[1].endpoints"]);
  });

  it("have [failover], which would do nothing for one", () => {
    const failover = "[failover]\nafterMs = 1000\n";
    expect(clientOf(severalToml(SECOND, failover)).failover).toEqual({ afterMs: 1000, returnAfterMs: 60_000 });
    expect(faultsOf(clientToml({ tail: `${UPLINK}${failover}` }))).toEqual(["11:1 failover.afterMs"]);
  });
});

describe("[fallback]", () => {
  const text = (fallback: string, change: Parameters<typeof clientToml>[0] = ROUTED) =>
    clientToml({ ...change, tail: `${UPLINK}[fallback]\n${fallback}\n` });

  it("lets the LAN out directly where the bond is its default route", () => {
    const { fallback } = clientOf(clientToml(ROUTED));
    expect(fallback).toMatchObject({ direct: true, afterMs: 10_000, returnAfterMs: 10_000, killSwitch: "off" });
    expect(fallback.check.map(({ host, port }) => `${host}:${port}`)).toEqual([
      "1.1.1.1:53",
      "8.8.8.8:53",
      "9.9.9.9:53",
      "2620:fe::fe:53",
    ]);
    expect(clientOf(clientToml()).fallback.direct).toBe(false);
    expect(clientOf(text('killSwitch = "on"')).fallback.direct).toBe(false);
    expect(clientOf(text("direct = false")).fallback.direct).toBe(false);
  });

  it.each([
    ["direct = 1", "direct"],
    ["afterMs = 0", "afterMs"],
    ["afterMs = 1500.5", "afterMs"],
    ['returnAfterMs = "10 s"', "returnAfterMs"],
    ['check = ["dns.example:53"]', "check[0]"],
    ['killSwitch = "yes"', "killSwitch"],
    ['killSwitch = "on"\ndirect = true', "direct"],
    ['killSwitch = "on"\nafterMs = 5000', "afterMs"],
    ["direct = false\ncheck = []", ""],
    ["direct = false\nreturnAfterMs = 5000", "returnAfterMs"],
  ])("refuses %s", (lines, key) => {
    if (key === "") expect(clientOf(text(lines)).fallback.direct).toBe(false);
    else expect(faultsOf(text(lines)).map((fault) => fault.split(" ")[1])).toEqual([`fallback.${key}`]);
  });

  it("has no effect without a default route into the bond", () => {
    for (const line of ["direct = true", 'killSwitch = "on"', "afterMs = 5000"]) {
      expect(faultsOf(text(line, {}))[0]).toMatch(/^11:1 fallback/);
    }
  });

  it("wants addresses, not names, behind a kill switch", () => {
    const named = text('killSwitch = "lasting"', { ...ROUTED, concentrator: 'endpoints = ["vpn.example:1"]' });
    expect(faultsOf(named)).toEqual(["6:1 concentrator.endpoints[0]"]);
  });
});
