import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { publicKeyOf, type X25519, x25519Node, x25519Tweetnacl } from "../../src/crypto/index.ts";

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

const implementations: [string, X25519][] = [
  ["node", x25519Node],
  ["tweetnacl", x25519Tweetnacl],
];
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe.each(implementations)("X25519 of %s", (_name, x25519) => {
  it.each([
    [
      "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
      "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
      "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ],
    [
      "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
      "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
      "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ],
  ])("meets RFC 7748 section 5.2 (%s)", (scalar, point, expected) => {
    expect(Buffer.from(x25519(bytes(scalar), bytes(point)) ?? []).toString("hex")).toBe(expected);
  });

  it.each([
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ])("gives nothing for the low-order point %s", (point) => {
    expect(x25519(new Uint8Array(32).fill(7), bytes(point))).toBeNull();
  });
});

it("is the same in both implementations, clamped or not", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      const publicKey = publicKeyOf(b);
      expect(Buffer.from(x25519Node(a, publicKey) ?? [])).toEqual(Buffer.from(x25519Tweetnacl(a, publicKey) ?? []));
    }),
    { numRuns: 20 },
  );
});
