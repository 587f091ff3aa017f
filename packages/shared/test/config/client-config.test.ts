import { describe, expect, it } from "vitest";
import { checkConfigText } from "../../src/config/index.ts";
import { clientToml, configErrorOf, faultsOf, PUBLIC_KEY } from "./support.ts";

describe("a client's file", () => {
  it("gets every default filled in", () => {
    const { config } = checkConfigText(clientToml(), "client.toml");
    expect(config).toMatchObject({
      client: {
        privateKeyFile: "client.key",
        presharedKeyFile: null,
        tap: "wb0",
        mode: "routed",
        bridge: null,
        encryption: "encrypted",
        mtu: "auto",
        defaultRoute: false,
        lan: [],
        controlSocket: null,
        stateDirectory: null,
        logLevel: "info",
      },
      concentrators: [{ name: "concentrator", endpoints: [{ host: "203.0.113.10", port: 51900, family: 4 }] }],
      uplinks: [{ name: "isp1", device: "eth1", source: null, gateway: null, metered: false, mtu: "auto" }],
    });
  });

  it("takes every device with a default route when uplinks is auto", () => {
    const { config } = checkConfigText(clientToml({ head: 'uplinks = "auto"\n', tail: "" }), "client.toml");
    expect(config).toMatchObject({ uplinks: "auto" });
  });

  it.each([
    ["203.0.113.10:51900", { host: "203.0.113.10", port: 51900, family: 4 }],
    ["[2001:db8::10]:1", { host: "2001:db8::10", port: 1, family: 6 }],
    ["vpn-1.example.net:65535", { host: "vpn-1.example.net", port: 65535, family: null }],
  ])("reads the endpoint %s", (text, expected) => {
    const { config } = checkConfigText(clientToml({ concentrator: `endpoints = ["${text}"]` }), "client.toml");
    expect(config).toMatchObject({ concentrators: [{ endpoints: [expected] }] });
  });

  it.each([
    "203.0.113.300:1",
    "203.0.113.10",
    "host:0",
    "host:65536",
    "2001:db8::10:51900",
    "[1.2.3.4]:5",
    "a b:1",
    ":1",
  ])("refuses the endpoint %s", (text) => {
    expect(faultsOf(clientToml({ concentrator: `endpoints = ["${text}"]` }))).toEqual([
      "6:1 concentrator.endpoints[0]",
    ]);
  });

  it.each([
    ["tap", '"sixteen-letters!"'],
    ["tap", '"a/b"'],
    ["mode", '"bridge"'],
    ["encryption", "false"],
    ["mtu", "575"],
    ["mtu", "1501"],
    ["mtu", "1400.5"],
    ["mtu", '"1400"'],
    ["defaultRoute", '"yes"'],
    ["lan", '["192.168.50.1/24"]'],
    ["lan", '["192.168.50.0/33"]'],
    ["lan", '"192.168.50.0/24"'],
    ["controlSocket", '"wanbond.sock"'],
    ["logLevel", '"loud"'],
    ["presharedKeyFile", "1"],
  ])("refuses %s = %s at its place", (key, value) => {
    expect(faultsOf(clientToml({ client: `${key} = ${value}` }))).toContainEqual(
      expect.stringMatching(new RegExp(`^3:1 client\\.${key}(\\[0\\])?$`)),
    );
  });

  it("refuses a public key of another length and one that everybody knows the secret of, without showing them", () => {
    const text = clientToml().replace(PUBLIC_KEY, "c2VjcmV0");
    const { message } = configErrorOf(() => checkConfigText(text, "client.toml"));
    expect(message).toContain("concentrator.publicKey");
    expect(message).not.toContain("c2VjcmV0");
    expect(faultsOf(clientToml().replace(PUBLIC_KEY, `${"A".repeat(43)}=`))).toEqual(["5:1 concentrator.publicKey"]);
  });

  it.each([
    ["no uplinks", clientToml({ tail: "" }), "null uplink"],
    ["two uplinks of one name", clientToml({ tail: uplinks('device = "a"', 'device = "b"') }), "11:1 uplink[1].name"],
    [
      "one device twice without sources",
      clientToml({ tail: uplinks('device = "a"', 'device = "a"\nsource = "1.2.3.4"') }),
      "9:1 uplink[0].device",
    ],
    [
      "one source twice",
      clientToml({ tail: uplinks('device = "a"\nsource = "1.2.3.4"', 'device = "b"\nsource = "1.2.3.4"') }),
      "14:1 uplink[1].source",
    ],
    [
      "a gateway of the other IP version",
      clientToml({ tail: `${uplinks('device = "a"')}source = "1.2.3.4"\ngateway = "fe80::1"\n` }),
      "11:1 uplink[0].gateway",
    ],
    ["a bridge in routed mode", clientToml({ client: 'bridge = "br0"' }), "3:1 client.bridge"],
    [
      "a default route in bridged mode",
      clientToml({ client: 'mode = "bridged"\ndefaultRoute = true' }),
      "4:1 client.defaultRoute",
    ],
    [
      "the same endpoint twice",
      clientToml({ concentrator: 'endpoints = ["[::1]:1", "[0::1]:1"]' }),
      "6:1 concentrator.endpoints[1]",
    ],
    [
      "settings for a link that is no uplink",
      clientToml({ tail: `${uplinks('device = "a"')}[bonding.links.wan7]\nmode = "primary"\n` }),
      "10:1 bonding.links.wan7",
    ],
    [
      "a policy that there is not",
      clientToml({ head: '[bonding]\ndefaultBondingPolicy = "balance"\n' }),
      "2:1 bonding.defaultBondingPolicy",
    ],
    ["an unknown table", clientToml({ tail: `${uplinks('device = "a"')}[bondng]\n` }), "10:1 bondng"],
  ])("refuses %s", (_what, text, fault) => {
    expect(faultsOf(text)).toContain(fault);
  });

  it("refuses more paths than can be numbered", () => {
    const names = Array.from({ length: 8 }, (_, index) => `[[uplink]]\nname = "l${index}"\ndevice = "eth${index}"\n`);
    const text = clientToml({ concentrator: 'endpoints = ["a:1", "b:1", "c:1", "d:1"]', tail: names.join("") });
    expect(faultsOf(text)).toEqual(["6:1 concentrator.endpoints"]);
  });

  it("finds all faults at once and says for each what to do", () => {
    const text = clientToml({
      client: 'tapp = "wb0"\nlan = [\n  "10.0.0.0/8", # fine\n  "10.0.0.1/8",\n]\nmtu = 9000',
      concentrator: "endpoints = []",
      tail: '[[uplink]]\nname = "a b"\n',
    });
    expect(configErrorOf(() => checkConfigText(text, "client.toml")).message).toMatchInlineSnapshot(`
      "client.toml:3:1: client.tapp is not a known key. Did you mean "tap"?
      client.toml:4:1: client.lan[1] is "10.0.0.1/8" (an address of 10.0.0.0/8), which is not a network. Write the network's own address, as "192.168.50.0/24" or "fd00:50::/64".
      client.toml:8:1: client.mtu is 9000, which is not an MTU. Write "auto" or a number of bytes from 576 to 1500.
      client.toml:11:1: concentrator.endpoints is empty. Give at least one.
      client.toml:12:1: uplink[0].device is missing. Device names have 1 to 15 characters without spaces, "/", ":" and "%"; "ip link" lists those that exist.
      client.toml:13:1: uplink[0].name is "a b", which is not a name. Use 1 to 32 letters, digits, ".", "_" and "-"."
    `);
  });

  it("takes tables of single uplinks beside automatic ones, and settings for those that have no table", () => {
    const bonding = "[bonding.links.eth9]\nspeed = 3\n";
    const text = (auto: boolean) =>
      clientToml({
        head: auto ? 'uplinks = "auto"\n' : "",
        tail: `[[uplink]]\nname = "lte"\ndevice = "wwan0"\n${bonding}`,
      });
    const { config } = checkConfigText(text(true), "c.toml");
    expect(config).toMatchObject({ otherUplinks: true, uplinks: [{ name: "lte", device: "wwan0" }] });
    expect(() => checkConfigText(text(false), "c.toml")).toThrow(/is no uplink of this file/);
  });

  it("reads JSON as well, and names the key where there is no place", () => {
    const good = {
      client: { privateKeyFile: "k" },
      concentrator: { publicKey: PUBLIC_KEY, endpoints: ["a:1"] },
      uplinks: "auto",
    };
    expect(checkConfigText(JSON.stringify(good), "client.json").role).toBe("client");
    expect(faultsOf(JSON.stringify({ ...good, uplinks: "all" }), "client.json")).toEqual(["null uplinks"]);
    expect(configErrorOf(() => checkConfigText("{", "client.json")).message).toContain("is not JSON");
  });
});

function uplinks(...bodies: string[]): string {
  return bodies.map((body) => `[[uplink]]\nname = "isp"\n${body}\n`).join("");
}
