import { describe, expect, it } from "vitest";
import {
  COOKIE_LIFE_MS,
  CookieMaker,
  isMac,
  mac1Key,
  openCookie,
  sealCookie,
  writeMac,
} from "../../src/crypto/index.ts";

const publicKey = new Uint8Array(32).fill(3);

describe("macs", () => {
  it("cover every byte before them and depend on the key", () => {
    const datagram = new Uint8Array(64).fill(9);
    writeMac(mac1Key(publicKey), datagram, 40);
    expect(isMac(mac1Key(publicKey), datagram, 40)).toBe(true);
    expect(isMac(mac1Key(new Uint8Array(32)), datagram, 40)).toBe(false);
    for (let at = 0; at < 56; at++) {
      const changed = datagram.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      expect(isMac(mac1Key(publicKey), changed, 40)).toBe(false);
    }
  });
});

describe("cookies", () => {
  it("open only for whom they answer", () => {
    const mac1 = new Uint8Array(16).fill(1);
    const nonce = new Uint8Array(24).fill(2);
    const cookie = new Uint8Array(16).fill(5);
    const sealed = sealCookie(publicKey, mac1, nonce, cookie);
    expect(sealed.byteLength).toBe(32);
    expect(openCookie(publicKey, mac1, nonce, sealed)).toEqual(cookie);
    expect(openCookie(publicKey, new Uint8Array(16), nonce, sealed)).toBeNull();
    expect(openCookie(new Uint8Array(32), mac1, nonce, sealed)).toBeNull();
  });

  it("differ by source and are good for two minutes", () => {
    let calls = 0;
    const maker = new CookieMaker((size) => new Uint8Array(size).fill(++calls));
    const here = Uint8Array.of(1);
    const first = maker.cookieFor(here, 0);
    expect(maker.cookieFor(here, COOKIE_LIFE_MS - 1)).toEqual(first);
    expect(maker.cookieFor(Uint8Array.of(2), 0)).not.toEqual(first);
    expect(maker.cookieFor(here, COOKIE_LIFE_MS)).not.toEqual(first);
    expect(calls).toBe(2);
  });
});
