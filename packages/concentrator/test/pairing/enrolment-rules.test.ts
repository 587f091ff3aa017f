import { joinedClientConfig, overlap, type Prefix, parsePrefix } from "@wanbond/shared/config";
import { formatKey } from "@wanbond/shared/crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeEnrolment } from "../../src/pairing/enrolment-rules.ts";

const prefixes = (...texts: readonly string[]): Prefix[] => texts.flatMap((text) => parsePrefix(text) ?? []);
const keyOf = (number: number) => formatKey(Buffer.alloc(32, number + 9));

/** Networks as homes have them: few, so that they meet. */
const network = fc
  .tuple(fc.constantFrom("192.168", "10.200", "172.16"), fc.nat(3), fc.constantFrom(16, 22, 24, 25))
  .map(([head, third, bits]) => `${head}.${bits === 16 ? 0 : bits === 22 ? 0 : third}.0/${bits}`);
const request = fc.record({
  version: fc.constant(1 as const),
  publicKey: fc.nat(20).map(keyOf),
  lan: fc.array(network, { maxLength: 3 }),
  lanGiven: fc.boolean(),
  inUse: fc.array(network, { maxLength: 2 }),
});

describe("clients that join", () => {
  it("never share an address or a key, and their networks overlap with nobody's, whoever asks for what", () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 30 }), (requests) => {
        const networks = prefixes("10.200.1.1/24");
        const hostNetworks = prefixes("172.16.2.0/24");
        const clients: { name: string; publicKey: string; address: Prefix[]; routes: Prefix[] }[] = [];
        for (const [index, asked] of requests.entries()) {
          const facts = { networks, clients, hostNetworks, concentratorKey: keyOf(0), invitedLan: [] };
          const verdict = judgeEnrolment(asked, facts);
          if (!verdict.ok) {
            expect(verdict.problem).toMatch(/\.$|none\.$/);
            continue;
          }
          const { addresses: address, lan: routes } = verdict;
          const publicKey = asked.publicKey;
          expect(joinedClientConfig({ name: `c${index}`, publicKey, address, routes })).not.toBeNull();
          const mine = prefixes(...address, ...routes);
          const others = clients.flatMap((client) => [...client.address, ...client.routes]);
          for (const each of mine) expect(others.filter((other) => overlap(each, other))).toEqual([]);
          for (const each of prefixes(...routes))
            expect([...networks, ...hostNetworks].some((own) => overlap(each, own))).toBe(false);
          expect(clients.some((client) => client.publicKey === publicKey)).toBe(false);
          clients.push({ name: `c${index}`, publicKey, address: prefixes(...address), routes: prefixes(...routes) });
        }
      }),
    );
  });

  it("gets no default route, and nothing that is not private, of its own accord", () => {
    const facts = {
      networks: prefixes("10.200.0.1/24"),
      clients: [],
      hostNetworks: [],
      concentratorKey: keyOf(0),
      invitedLan: [],
    };
    for (const lan of ["0.0.0.0/0", "8.8.8.0/24", "192.0.0.0/8", "128.0.0.0/1"]) {
      const asked = { version: 1 as const, publicKey: keyOf(1), lan: [lan], lanGiven: true, inUse: [] };
      expect(judgeEnrolment(asked, facts)).toMatchObject({ ok: false, reason: "lan-refused" });
    }
  });
});
