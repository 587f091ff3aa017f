import { describe, expect, it } from "vitest";
import { checkConfigText } from "../../src/config/index.ts";
import { concentratorToml, configErrorOf, faultsOf, OTHER_PUBLIC_KEY, PUBLIC_KEY } from "./support.ts";

describe("a concentrator's file", () => {
  it("gets every default filled in", () => {
    const { role, config } = checkConfigText(concentratorToml(), "concentrator.toml");
    expect(role).toBe("concentrator");
    expect(config).toMatchObject({
      concentrator: {
        listen: [{ host: "0.0.0.0", port: 51900, family: 4 }],
        tap: "wb0",
        mode: "routed",
        bridge: null,
        address: [{ address: "10.200.0.1", bits: 24, family: 4, text: "10.200.0.1/24" }],
        nat: false,
        nat66: false,
        clientToClient: false,
        mtu: "auto",
      },
      client: [
        { name: "home1", address: [{ text: "10.200.0.2/32" }], routes: [], presharedKeyFile: null, bonding: null },
      ],
    });
  });

  it("takes an address without its length for a single host", () => {
    const { config } = checkConfigText(concentratorToml({ tail: client("a", PUBLIC_KEY, '"10.200.0.9"') }), "c.toml");
    expect(config.client).toMatchObject([{ address: [{ bits: 32, text: "10.200.0.9/32" }] }]);
  });

  it("needs no addresses in bridged mode", () => {
    const bridged = concentratorToml({
      concentrator: 'mode = "bridged"\nbridge = "br0"',
      tail: `[[client]]\nname = "a"\npublicKey = "${PUBLIC_KEY}"\n`,
    });
    expect(checkConfigText(bridged, "c.toml").role).toBe("concentrator");
  });

  it.each([
    ["the concentrator's own address", client("a", PUBLIC_KEY, '"10.200.0.1"'), "8:1 client[0].address[0]"],
    ["an address outside", client("a", PUBLIC_KEY, '"10.201.0.2"'), "8:1 client[0].address[0]"],
    ["the network's address", client("a", PUBLIC_KEY, '"10.200.0.0"'), "8:1 client[0].address[0]"],
    ["the broadcast address", client("a", PUBLIC_KEY, '"10.200.0.255"'), "8:1 client[0].address[0]"],
    ["more than one host", client("a", PUBLIC_KEY, '"10.200.0.8/29"'), "8:1 client[0].address[0]"],
    ["an address of another client", both('"10.200.0.2"', '"10.200.0.2/32"'), "12:1 client[1].address[0]"],
    ["no address", both("", '"10.200.0.2/32"'), "8:1 client[0].address"],
    ["a default route", `${client("a", PUBLIC_KEY, '"10.200.0.2"')}routes = ["::/0"]\n`, "9:1 client[0].routes[0]"],
    [
      "a name twice",
      client("a", PUBLIC_KEY, '"10.200.0.2"') + client("a", OTHER_PUBLIC_KEY, '"10.200.0.3"'),
      "10:1 client[1].name",
    ],
    [
      "a key twice",
      client("a", PUBLIC_KEY, '"10.200.0.2"') + client("b", PUBLIC_KEY, '"10.200.0.3"'),
      "11:1 client[1].publicKey",
    ],
  ])("refuses %s for a client", (_what, tail, fault) => {
    expect(faultsOf(concentratorToml({ tail }))).toEqual([fault]);
  });

  it("refuses one route for two clients, however it is written", () => {
    const tail = `${client("a", PUBLIC_KEY, '"10.200.0.2"')}routes = ["fd00::/64"]
${client("b", OTHER_PUBLIC_KEY, '"10.200.0.3"')}routes = ["fd00:0::/64"]\n`;
    expect(faultsOf(concentratorToml({ tail }))).toEqual(["14:1 client[1].routes[0]"]);
  });

  it.each([
    ["a name to listen on", 'listen = ["vps.example:51900"]', "concentrator.listen[0]"],
    ["no listening address", "listen = []", "concentrator.listen"],
    ["nat in bridged mode", 'mode = "bridged"\nnat = true', "concentrator.nat"],
    ["a bridge in routed mode", 'bridge = "br0"', "concentrator.bridge"],
    [
      "an address on a bridge's port",
      'mode = "bridged"\nbridge = "br0"\naddress = ["10.200.0.1/24"]',
      "concentrator.address",
    ],
  ])("refuses %s", (_what, lines, key) => {
    const text = concentratorToml({ concentrator: lines }).replace(
      'listen = ["0.0.0.0:51900"]\n',
      lines.includes("listen") ? "" : 'listen = ["0.0.0.0:51900"]\n',
    );
    expect(configErrorOf(() => checkConfigText(text, "c.toml")).faults.map((fault) => fault.key)).toContain(key);
  });

  it("refuses a client whose routes do not fit the datagram that pushes them", () => {
    const routes = (first: number) =>
      Array.from({ length: 80 }, (_, index) => `"10.${first}.${index}.0/24"`).join(", ");
    const tail = `${client("a", PUBLIC_KEY, '"10.200.0.2"')}routes = [${routes(1)}]
${client("b", OTHER_PUBLIC_KEY, '"10.200.0.3"')}routes = [${routes(2)}]\n`;
    const own = 'address = ["10.200.0.1/24"]\nclientToClient = true';
    expect(faultsOf(concentratorToml({ concentrator: own, tail }))).toEqual(["6:1 client[0]", "11:1 client[1]"]);
  });

  it("may be without clients: they join", () => {
    expect(checkConfigText(concentratorToml({ tail: "" }), "c.toml")).toMatchObject({ config: { client: [] } });
  });

  it("refuses a file that belongs to neither end", () => {
    expect(configErrorOf(() => checkConfigText("[other]\n", "c.toml")).message).toContain(
      "neither a [client] nor a [concentrator]",
    );
  });
});

function client(name: string, publicKey: string, address: string): string {
  return `[[client]]\nname = "${name}"\npublicKey = "${publicKey}"\naddress = [${address}]\n`;
}

function both(first: string, second: string): string {
  return client("a", PUBLIC_KEY, first) + client("b", OTHER_PUBLIC_KEY, second);
}
