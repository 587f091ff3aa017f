import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AttachInfo,
  type ConfigPush,
  checkConfigText,
  encodeAttachInfo,
  encodeBondingPush,
  encodeConfigPush,
  encodePushFor,
  joinedClientConfig,
  parseAttachInfo,
  parseBondingPush,
  parseConfigPush,
  pushFor,
  resolveBond,
} from "../../src/config/index.ts";
import { clientToml, concentratorToml, OTHER_PUBLIC_KEY, PUBLIC_KEY } from "./support.ts";

const PUSH: ConfigPush = {
  version: 1,
  name: "home1",
  mode: "routed",
  addresses: ["10.200.0.2/32"],
  routes: ["10.200.0.0/24"],
  lan: ["192.168.50.0/24"],
  mtu: null,
  bonding: null,
  concentratorAddresses: ["10.200.0.1"],
};
const ATTACH: AttachInfo = { name: "isp1", device: "eth1", metered: true, settings: { speed: 100, mode: "spare" } };
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe("messages between the ends", () => {
  it("come back as they were sent", () => {
    expect(parseConfigPush(Buffer.from(encodeConfigPush(PUSH)))).toEqual(PUSH);
    expect(parseAttachInfo(Buffer.from(encodeAttachInfo(ATTACH)))).toEqual(ATTACH);
  });

  it("carry the settings of [bonding] both ways, and leave out those that this version does not know", () => {
    const toml = `[bonding]\ndefaultBondingPolicy = "balance-rr"\n[bonding.balance-rr]\npacketsPerLink = 4\n`;
    const { config } = checkConfigText(clientToml({ tail: `[[uplink]]\nname = "a"\ndevice = "b"\n${toml}` }), "c.toml");
    if (config.bonding === undefined) throw new Error("fixture");
    const received = parseBondingPush(Buffer.from(encodeBondingPush(config.bonding)));
    expect(resolveBond(received ?? undefined)).toMatchObject({ basePolicy: "balance-rr", packetsPerLink: 4 });
    const push = parseConfigPush(bytesOf({ ...PUSH, bonding: config.bonding }));
    expect(resolveBond(push?.bonding ?? undefined)).toEqual(resolveBond(config.bonding));
    expect(parseConfigPush(bytesOf({ ...PUSH, bonding: { defaultBondingPolicy: "of-the-future" } }))).toEqual(PUSH);
    expect(parseBondingPush(bytesOf({ version: 1, bonding: { defaultBondingPolicy: "of-the-future" } }))).toBeNull();
  });

  it("may hold keys of a later version", () => {
    expect(parseConfigPush(bytesOf({ ...PUSH, dns: ["10.0.0.1"] }))).toEqual(PUSH);
    expect(parseAttachInfo(bytesOf({ name: "a", metered: false, price: 3 }))).toEqual({
      name: "a",
      metered: false,
      settings: {},
    });
  });

  it.each([
    { ...PUSH, version: 2 },
    { ...PUSH, addresses: ["10.200.0.2/33"] },
    { ...PUSH, mtu: 100 },
    { ...PUSH, mode: "other" },
    { ...PUSH, routes: ["everywhere"] },
    { ...PUSH, name: undefined },
    [],
    null,
  ])("that do not fit are null: %j", (value) => {
    expect(parseConfigPush(bytesOf(value))).toBeNull();
  });

  it("that are too large are null, or an error of the sender", () => {
    const large = {
      ...ATTACH,
      settings: Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`key${i}`, "x".repeat(20)])),
    };
    expect(() => encodeAttachInfo(large)).toThrow(RangeError);
    expect(parseAttachInfo(bytesOf(large))).toBeNull();
  });

  it("never make the parsers throw", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 1300 }),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        (bytes) => {
          parseConfigPush(bytes);
          parseBondingPush(bytes);
          parseAttachInfo(bytes);
        },
      ),
    );
  });

  it("tell a client of the other clients' networks only when they may talk to each other", () => {
    const text = (flag: boolean) =>
      concentratorToml({
        concentrator: `address = ["10.200.0.1/24", "fd00:200::1/64"]\nclientToClient = ${flag}\nmtu = 1400`,
        tail: `[[client]]\nname = "a"\npublicKey = "${PUBLIC_KEY}"\naddress = ["10.200.0.2/32"]\nroutes = ["192.168.1.0/24"]
[[client]]\nname = "b"\npublicKey = "${OTHER_PUBLIC_KEY}"\naddress = ["10.200.0.3/32"]\nroutes = ["192.168.2.0/24"]\n`,
      });
    const pushes = (flag: boolean) => {
      const checked = checkConfigText(text(flag), "c.toml");
      if (checked.role !== "concentrator") throw new Error("role");
      return checked.config.client.map((client) => pushFor(checked.config, client));
    };
    expect(pushes(false)[0]).toEqual({
      ...PUSH,
      name: "a",
      mtu: 1400,
      lan: ["192.168.1.0/24"],
      routes: ["10.200.0.0/24", "fd00:200::/64"],
      concentratorAddresses: ["10.200.0.1", "fd00:200::1"],
    });
    expect(pushes(true).map(({ routes }) => routes.at(-1))).toEqual(["192.168.2.0/24", "192.168.1.0/24"]);
  });
});

describe("what many joined clients are told of each other", () => {
  const own = `address = ["10.200.0.1/24"]\nclientToClient = true`;
  const { config } = checkConfigText(concentratorToml({ concentrator: own, tail: "" }), "c.toml");
  const joined = (number: number) =>
    joinedClientConfig({
      name: `home${number}`,
      publicKey: PUBLIC_KEY,
      address: [`10.200.0.${number + 2}/32`],
      routes: [`192.168.${number}.0/24`, `10.77.${number}.0/24`],
    });

  it("fits a datagram, with the concentrator's own network first", () => {
    if (!("concentrator" in config)) throw new Error("unreachable: it is a concentrator's");
    const all = Array.from({ length: 60 }, (_, number) => joined(number)).filter((client) => client !== null);
    const [first] = all;
    if (first === undefined) throw new Error("unreachable: there are sixty");
    const { json, omitted } = encodePushFor({ ...config, client: all }, first);
    const push = parseConfigPush(Buffer.from(json));
    expect(push?.routes[0]).toBe("10.200.0.0/24");
    expect((push?.routes.length ?? 0) + omitted.length).toBe(1 + 59 * 2);
    expect(omitted.length).toBeGreaterThan(50);
    expect(encodePushFor({ ...config, client: all.slice(0, 3) }, first).omitted).toEqual([]);
  });
});
