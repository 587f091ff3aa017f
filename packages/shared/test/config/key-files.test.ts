import { describe, expect, it } from "vitest";
import { loadClientConfig, loadConcentratorConfig } from "../../src/config/index.ts";
import {
  clientToml,
  concentratorToml,
  configErrorOf,
  OTHER_PUBLIC_KEY,
  PRIVATE_KEY,
  PUBLIC_KEY,
  THIRD_PUBLIC_KEY,
  temporaryFolder,
  writeText,
} from "./support.ts";

describe("key files", () => {
  it("are read beside the configuration, with the public key worked out", () => {
    const folder = temporaryFolder();
    writeText(folder, "concentrator.key", `${PRIVATE_KEY}\n`);
    writeText(folder, "home1.psk", PRIVATE_KEY, 0o400);
    const file = writeText(folder, "c.toml", `${concentratorToml()}presharedKeyFile = "home1.psk"\n`);
    const { keys } = loadConcentratorConfig(file);
    expect(Buffer.from(keys.privateKey).toString("base64")).toBe(PRIVATE_KEY);
    expect(Buffer.from(keys.publicKey).toString("base64")).toBe(PUBLIC_KEY);
    expect([...keys.presharedKeys.keys()]).toEqual(["home1"]);
  });

  it.each([
    ["that others may read", PRIVATE_KEY, 0o640, "chmod 600"],
    ["without a key in it", "hello", 0o600, "does not hold a key"],
  ])("are refused: one %s", (_what, text, mode, words) => {
    const folder = temporaryFolder();
    writeText(folder, "client.key", text, mode);
    const file = writeText(folder, "client.toml", clientToml());
    const { message } = configErrorOf(() => loadClientConfig(file));
    expect(message).toContain(words);
    expect(message).not.toContain("hello");
  });

  it("that do not exist are one fault among the others", () => {
    const file = writeText(temporaryFolder(), "client.toml", clientToml({ client: "mtu = 1" }));
    expect(configErrorOf(() => loadClientConfig(file)).faults.map(({ key }) => key)).toEqual([
      "client.privateKeyFile",
      "client.mtu",
    ]);
  });

  it("refuse the own public key as the other end's", () => {
    const folder = temporaryFolder();
    writeText(folder, "client.key", PRIVATE_KEY);
    const file = writeText(folder, "client.toml", clientToml());
    expect(configErrorOf(() => loadClientConfig(file)).message).toContain("this end's own private key");
    const good = writeText(folder, "good.toml", clientToml().replace(PUBLIC_KEY, OTHER_PUBLIC_KEY));
    expect(loadClientConfig(good).keys.presharedKeys).toEqual([null]);
  });

  it("give each concentrator its pre-shared key, its own before the common one", () => {
    const folder = temporaryFolder();
    writeText(folder, "client.key", PRIVATE_KEY);
    writeText(folder, "common.psk", OTHER_PUBLIC_KEY);
    writeText(folder, "second.psk", PUBLIC_KEY);
    const second = `[[concentrator]]\npublicKey = "${THIRD_PUBLIC_KEY}"\npresharedKeyFile = "second.psk"\nendpoints = ["h:2"]\n`;
    const text = clientToml({ client: 'presharedKeyFile = "common.psk"' })
      .replace(PUBLIC_KEY, OTHER_PUBLIC_KEY)
      .replace("[concentrator]", "[[concentrator]]")
      .replace("[[uplink]]", `${second}[[uplink]]`);
    const { presharedKeys } = loadClientConfig(writeText(folder, "c.toml", text)).keys;
    expect(presharedKeys.map((key) => key && Buffer.from(key).toString("base64"))).toEqual([
      OTHER_PUBLIC_KEY,
      PUBLIC_KEY,
    ]);
  });

  it("are not looked at when the file is for the other program", () => {
    const file = writeText(temporaryFolder(), "c.toml", concentratorToml());
    expect(configErrorOf(() => loadClientConfig(file)).message).toContain("wanbond concentrator run");
  });
});
