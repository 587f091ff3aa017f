import { createCipheriv } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { NativePorts } from "../../src/io/index.ts";
import { AUX, DESCRIPTOR_WORDS, LENGTH, MAX_KEYS, OFFSET, SLOT_BYTES } from "../../src/pipeline/ports.ts";
import {
  CIPHER_AES_256_GCM,
  CIPHER_AUTH_ONLY_AES,
  CIPHER_AUTH_ONLY_CHACHA,
  CIPHER_CHACHA20_POLY1305,
  OUTER_HEADER_BYTES,
  TAG_BYTES,
} from "../../src/wire/index.ts";
import { fill, packetAt, slots } from "./vectors.ts";

interface PublishedVector {
  readonly source: string;
  readonly algorithm: "aes-256-gcm" | "chacha20-poly1305";
  readonly key: string;
  readonly nonce: string;
  readonly associated: string;
  readonly plaintext: string;
  readonly sealed: string;
}
interface DatagramVector {
  readonly cipher: number;
  readonly key: string;
  readonly header: string;
  readonly plaintext: string;
  readonly datagram: string;
}
const vectors = JSON.parse(readFileSync(new URL("../../../../test/vectors/aead.json", import.meta.url), "utf8")) as {
  published: PublishedVector[];
  datagrams: DatagramVector[];
};
const CIPHERS = [CIPHER_AES_256_GCM, CIPHER_CHACHA20_POLY1305, CIPHER_AUTH_ONLY_AES, CIPHER_AUTH_ONLY_CHACHA];
const hex = (text: string) => Buffer.from(text, "hex");

/** The same through node:crypto, which the published vectors are checked against. */
function sealWithNode(
  algorithm: PublishedVector["algorithm"],
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const cipher = createCipheriv(algorithm as "aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES } as object);
  cipher.setAAD(associated, { plaintextLength: plaintext.byteLength });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function expectedDatagram(cipher: number, key: Uint8Array, header: Uint8Array, plaintext: Uint8Array): Buffer {
  const nonce = Buffer.concat([header.subarray(0, 4), header.subarray(8, 16)]);
  const algorithm =
    cipher === CIPHER_AES_256_GCM || cipher === CIPHER_AUTH_ONLY_AES ? "aes-256-gcm" : "chacha20-poly1305";
  if (cipher < CIPHER_AUTH_ONLY_AES)
    return Buffer.concat([header, sealWithNode(algorithm, key, nonce, header, plaintext)]);
  const associated = Buffer.concat([header, plaintext]);
  return Buffer.concat([header, plaintext, sealWithNode(algorithm, key, nonce, associated, new Uint8Array(0))]);
}

let ports: NativePorts;
beforeEach(() => {
  ports = new NativePorts(16 * SLOT_BYTES);
});

/** Seals one packet from slot 0 into slot 4. @returns the datagram, or null when it was refused. */
function seal(key: number, header: Uint8Array, plaintext: Uint8Array): Buffer | null {
  const plain = slots(0, 1);
  const sealed = slots(4, 1);
  fill(ports, sealed, [header]);
  fill(ports, plain, [plaintext]);
  plain[AUX] = key;
  ports.seal(plain, sealed, 1);
  expect(packetAt(ports, plain, 0)).toEqual(Buffer.from(plaintext));
  return sealed[LENGTH] === -1 ? null : packetAt(ports, sealed, 0);
}

/** Opens one datagram from slot 8 into slot 12. @returns the plaintext, or null when it was refused. */
function open(key: number, datagram: Uint8Array): Buffer | null {
  const sealed = slots(8, 1);
  const plain = slots(12, 1);
  fill(ports, sealed, [datagram]);
  sealed[AUX] = key;
  const authentic = ports.open(sealed, plain, 1);
  expect(authentic).toBe(plain[LENGTH] === -1 ? 0 : 1);
  return plain[LENGTH] === -1 ? null : packetAt(ports, plain, 0);
}

describe("vectors", () => {
  it.each(vectors.published)("$source holds for the reference", (vector) => {
    const sealed = sealWithNode(
      vector.algorithm,
      hex(vector.key),
      hex(vector.nonce),
      hex(vector.associated),
      hex(vector.plaintext),
    );
    expect(sealed.toString("hex")).toBe(vector.sealed);
  });

  it.each(vectors.datagrams)("golden datagram of cipher $cipher, both directions", (vector) => {
    ports.setKey(7, vector.cipher, hex(vector.key), "seal");
    ports.setKey(7, vector.cipher, hex(vector.key), "open");
    expect(seal(7, hex(vector.header), hex(vector.plaintext))?.toString("hex")).toBe(vector.datagram);
    expect(open(7, hex(vector.datagram))?.toString("hex")).toBe(vector.plaintext);
  });
});

describe.each(CIPHERS)("cipher %i", (cipher) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const cases = fc.tuple(bytes(32), bytes(OUTER_HEADER_BYTES), fc.uint8Array({ maxLength: 1600, size: "max" }));

  it("seals as node:crypto does and opens what it sealed", () => {
    fc.assert(
      fc.property(cases, ([key, header, plaintext]) => {
        ports.setKey(1, cipher, key, "seal");
        ports.setKey(1, cipher, key, "open");
        const datagram = seal(1, header, plaintext);
        expect(datagram).toEqual(expectedDatagram(cipher, key, header, plaintext));
        expect(open(1, datagram ?? new Uint8Array(0))).toEqual(Buffer.from(plaintext));
      }),
    );
  });

  it("refuses a datagram with any bit changed or any byte missing", () => {
    const header = Buffer.alloc(OUTER_HEADER_BYTES, 3);
    ports.setKey(1, cipher, Buffer.alloc(32, 9), "seal");
    ports.setKey(1, cipher, Buffer.alloc(32, 9), "open");
    const datagram = seal(1, header, Buffer.from("forty bytes of payload that nobody forges")) ?? Buffer.alloc(0);
    for (let bit = 0; bit < datagram.byteLength * 8; bit++) {
      // The receiver's session index (bytes 4..7) is associated data too, though no part of the nonce.
      const forged = Buffer.from(datagram);
      forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(open(1, forged)).toBeNull();
    }
    for (let length = 0; length < datagram.byteLength; length++) {
      expect(open(1, datagram.subarray(0, length))).toBeNull();
    }
    expect(open(1, datagram)).not.toBeNull();
  });
});

describe("keys", () => {
  const header = Buffer.alloc(OUTER_HEADER_BYTES, 1);
  const payload = Buffer.from("payload");

  it("of the two directions and of all indexes are separate", () => {
    ports.setKey(0, CIPHER_AES_256_GCM, Buffer.alloc(32, 1), "seal");
    ports.setKey(MAX_KEYS - 1, CIPHER_AES_256_GCM, Buffer.alloc(32, 1), "open");
    const datagram = seal(0, header, payload) ?? Buffer.alloc(0);
    expect(open(0, datagram)).toBeNull();
    expect(open(MAX_KEYS - 1, datagram)).toEqual(payload);
    expect(seal(MAX_KEYS - 1, header, payload)).toBeNull();
  });

  it("that were cleared or never set refuse", () => {
    ports.setKey(5, CIPHER_CHACHA20_POLY1305, Buffer.alloc(32, 1), "seal");
    ports.clearKey(5, "seal");
    expect(seal(5, header, payload)).toBeNull();
    expect(seal(-1, header, payload)).toBeNull();
    expect(seal(MAX_KEYS, header, payload)).toBeNull();
  });

  it("of a wrong length or an unknown cipher are refused loudly", () => {
    expect(() => ports.setKey(5, CIPHER_AES_256_GCM, new Uint8Array(16), "seal")).toThrow("refused");
    expect(() => ports.setKey(5, 9, new Uint8Array(32), "seal")).toThrow("refused");
    expect(() => ports.setKey(MAX_KEYS, CIPHER_AES_256_GCM, new Uint8Array(32), "seal")).toThrow("refused");
  });
});

describe("bounds", () => {
  it("keep a datagram that is too long out of the neighbouring slot, authentic or not", () => {
    ports.setKey(1, CIPHER_AES_256_GCM, Buffer.alloc(32, 1), "open");
    const sealed = Int32Array.of(0, 3 * SLOT_BYTES, 0, 1);
    const plain = slots(8, 1);
    ports.pool.fill(0xaa, 9 * SLOT_BYTES);
    expect(ports.open(sealed, plain, 1)).toBe(0);
    expect(ports.pool.subarray(9 * SLOT_BYTES).every((byte) => byte === 0xaa)).toBe(true);
  });

  it("are kept by every descriptor outside the pool", () => {
    ports.setKey(1, CIPHER_AES_256_GCM, Buffer.alloc(32, 1), "seal");
    ports.setKey(1, CIPHER_AES_256_GCM, Buffer.alloc(32, 1), "open");
    for (const offset of [-1, ports.pool.byteLength - 10, ports.pool.byteLength, 0x7fffffff, -0x80000000]) {
      const inside = Int32Array.of(0, 100, 0, 1);
      const outside = Int32Array.of(offset, 100, 0, 1);
      ports.seal(inside, outside, 1);
      expect(outside[LENGTH]).toBe(-1);
      outside[OFFSET] = offset;
      outside[LENGTH] = 100;
      expect(ports.open(outside, inside, 1)).toBe(0);
      expect(ports.open(inside, outside, 1)).toBe(0);
    }
    const short = new Int32Array(DESCRIPTOR_WORDS);
    expect(ports.open(short, short, 2)).toBeLessThan(0);
  });
});
