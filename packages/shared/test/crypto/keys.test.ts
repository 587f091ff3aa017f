import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { formatKey, generatePrivateKey, parseKey, parsePublicKey, publicKeyOf } from "../../src/crypto/index.ts";

describe("keys", () => {
  it("read as they are written, with a newline behind as files have it", () => {
    const key = generatePrivateKey(randomBytes);
    expect(parseKey(`${formatKey(key)}\n`, "privateKey")).toEqual(key);
    expect(parsePublicKey(formatKey(publicKeyOf(key)), "publicKey")).toEqual(publicKeyOf(key));
  });

  it("are clamped as RFC 7748 has it", () => {
    expect(Buffer.from(generatePrivateKey((size) => new Uint8Array(size).fill(0xff))).toString("hex")).toBe(
      `f8${"ff".repeat(30)}7f`,
    );
  });

  it.each([
    ["nothing", ""],
    ["another length", "AAAA"],
    ["no base64", "!".repeat(44)],
    ["stray last bits", `${"A".repeat(42)}B=`],
    ["hex", "00".repeat(32)],
  ])("refuse %s and say which key it was", (_what, text) => {
    expect(() => parseKey(text, "presharedKey")).toThrow(/^presharedKey is not a key: .*wanbond keygen/);
  });

  it("refuse a public key that nobody can have", () => {
    expect(() => parsePublicKey(formatKey(new Uint8Array(32)), "publicKey")).toThrow(/^publicKey is no public key/);
  });
});
