import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mac1Key, publicKeyOf, writeMac } from "../../src/crypto/index.ts";
import { CONCENTRATOR_KEY, HOME, InitiatorEnd, ResponderEnd, seededBytes, source } from "./handshake-pair.ts";

const DATAGRAMS = 100_000;

/** Random bytes, and mutations of a real datagram: some bytes changed, cut or lengthened. */
function mutant(random: Uint8Array, original: Uint8Array): Uint8Array {
  const [kind = 0, size = 0, at = 0, by = 0] = random;
  if (kind % 4 === 0) return random.slice(4, 4 + size);
  if (kind % 4 === 1)
    return random
      .slice(4, 4 + original.length)
      .fill(original[0] ?? 0, 0, 1)
      .fill(0, 1, 4);
  const changed = original.slice(0, kind % 4 === 2 ? original.length : size);
  changed[at % original.length] = (changed[at % original.length] ?? 0) ^ (by | 1);
  return changed;
}

describe("bytes from strangers", () => {
  it(`bring no answer and leave nothing behind in ${DATAGRAMS} random and mutated initiations`, () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    const original = client.lastSent;
    concentrator.answers(original, HOME, 0);
    const randomBytes = seededBytes("flood");
    let made = 0;
    while (made < DATAGRAMS) {
      const pool = randomBytes(260 * 500);
      for (let i = 0; i < 500; i++, made++) {
        concentrator.responder.onDatagram(mutant(pool.subarray(i * 260, (i + 1) * 260), original), HOME, made);
      }
    }
    expect(concentrator.sent).toHaveLength(1);
    expect(concentrator.established).toHaveLength(1);
    expect(concentrator.indexes.size).toBe(1);
    const drops = concentrator.responder.drops;
    expect(drops.malformed + drops["bad-mac1"] + drops.replayed + drops["source-limit"]).toBe(DATAGRAMS);
    expect(Math.min(drops.malformed, drops["bad-mac1"], drops.replayed)).toBeGreaterThan(100);
  }, 60_000);

  it("get answers smaller than themselves at most, even if they know the concentrator's key", () => {
    const concentrator = new ResponderEnd("b").addClient();
    const key = mac1Key(publicKeyOf(CONCENTRATOR_KEY));
    const bytes = fc.uint8Array({ minLength: 160, maxLength: 160 });
    let nowMs = 0;
    fc.assert(
      fc.property(bytes, fc.nat(255), (datagram, host) => {
        datagram.set([1, 0, 0, 0]);
        writeMac(key, datagram, 128);
        const answers = concentrator.answers(datagram, source(`192.0.2.${host}:9`), nowMs++);
        for (const answer of answers) expect(answer.byteLength).toBeLessThan(datagram.byteLength);
      }),
      { numRuns: 1000 },
    );
    expect(concentrator.established).toHaveLength(0);
    expect(concentrator.responder.drops["cookie-asked"]).toBeGreaterThan(800);
  });

  it("never reach the client's keys", () => {
    const client = new InitiatorEnd("a").start();
    const original = new ResponderEnd("b").addClient().answers(client.lastSent, HOME, 0)[0] ?? new Uint8Array(0);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 260, maxLength: 260 }), (random) => {
        client.receive([mutant(random, original)]);
      }),
      { numRuns: 2000 },
    );
    expect(client.established).toHaveLength(0);
    expect(client.sent).toHaveLength(1);
  });
});
