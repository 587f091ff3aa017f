import { describe, expect, it } from "vitest";
import { publicKeyOf } from "../../src/crypto/index.ts";
import { REJECT_AFTER_MS, REKEY_AFTER_MS } from "../../src/session/index.ts";
import {
  CIPHER_AES_256_GCM,
  CIPHER_AUTH_ONLY_AES,
  CIPHER_AUTH_ONLY_CHACHA,
  CIPHER_CHACHA20_POLY1305,
} from "../../src/wire/index.ts";
import { HOME, InitiatorEnd, privateKey, ResponderEnd, source } from "./handshake-pair.ts";

function expectSameKeys(client: InitiatorEnd, concentrator: ResponderEnd): void {
  const ours = client.established.at(-1);
  const theirs = concentrator.established.find(({ epoch }) => epoch.localIndex === ours?.remoteIndex)?.epoch;
  expect(theirs).toMatchObject({ remoteIndex: ours?.localIndex, cipher: ours?.cipher, isInitiator: false });
  expect([ours?.farRunId, theirs?.farRunId]).toEqual([0xc0ffee01, 0xfeed0002]);
  expect(theirs?.receiveKey).toEqual(ours?.sendKey);
  expect(theirs?.sendKey).toEqual(ours?.receiveKey);
  expect(ours?.sendKey).not.toEqual(ours?.receiveKey);
}

describe("a handshake", () => {
  it("gives both ends the same keys in one round trip", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    client.nowMs = 40;
    client.receive(concentrator.answers(client.lastSent, HOME, 20));
    expectSameKeys(client, concentrator);
    expect(concentrator.established[0]?.peerId).toBe("home1");
    expect(client.log).toEqual(["0 started", "0 send", "40 established"]);
  });

  it("asks again with growing waits that stay below 2 s, for as long as it takes", () => {
    const client = new InitiatorEnd("a").start();
    while (client.sent.length < 7) client.tick();
    expect(client.log.filter((line) => !line.endsWith("send"))).toMatchInlineSnapshot(`
      [
        "0 started",
        "667 retried",
        "1834 retried",
        "3501 retried",
        "5168 retried",
        "6835 retried",
        "8502 retried",
      ]
    `);
  });

  it("comes about however many messages were lost before", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    client.tick(); // The first initiation is lost,
    concentrator.answers(client.lastSent, HOME, client.nowMs); // the first response too.
    client.tick();
    client.receive(concentrator.answers(client.lastSent, HOME, client.nowMs));
    expectSameKeys(client, concentrator);
    expect(client.indexes.size).toBe(1);
  });

  it("takes the answer to any initiation of the last seconds, as on a line of 5 s", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    const answers = concentrator.answers(client.lastSent, HOME, 2500);
    while (client.nowMs < 5000) client.tick();
    client.receive(answers);
    expectSameKeys(client, concentrator);
  });

  it("gives copies that came over several paths the same answer, as the way back of one may be cut", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    const answers = ["192.0.2.1:1", "198.51.100.1:1", "[2001:db8::1]:1"].map((from, index) =>
      concentrator.answers(client.lastSent, source(from), 30 * index),
    );
    expect(answers.map((datagrams) => datagrams.length)).toEqual([1, 1, 1]);
    expect(answers[1]).toEqual(answers[0]);
    expect(concentrator.sent.map(({ source: { endpoint } }) => endpoint[0])).toEqual([4, 4, 6]);
    expect(concentrator.established).toHaveLength(1);
    client.receive(answers.slice(1).flat());
    expect(client.established).toHaveLength(1);
    expect(client.initiator.drops["unknown-index"]).toBe(1);
  });

  it("answers no copy that comes later than lines differ, is changed, or is one too many", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    const changed = client.lastSent.slice().fill(1, 150);
    concentrator.answers(client.lastSent, HOME, 0);
    expect(concentrator.answers(changed, HOME, 1)).toEqual([]);
    expect(concentrator.answers(client.lastSent, HOME, 2000)).toEqual([]);
    expect(concentrator.responder.drops.replayed).toBe(2);
    client.tick();
    const copies = Array.from({ length: 60 }, (_, host) =>
      concentrator.answers(client.lastSent, source(`192.0.2.${host}:9`), 3000),
    );
    expect(copies.flat()).toHaveLength(30);
    expect(concentrator.established).toHaveLength(2);
  });

  it("is silent to a replayed initiation, also after newer ones", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    const old = client.lastSent;
    concentrator.answers(old, HOME, 0);
    client.tick();
    concentrator.answers(client.lastSent, HOME, client.nowMs);
    expect(concentrator.answers(old, HOME, 60_000)).toEqual([]);
    expect(concentrator.established).toHaveLength(2);
    expect(concentrator.responder.drops.replayed).toBe(1);
  });

  it("answers a peer at most every 20 ms", () => {
    const concentrator = new ResponderEnd("b").addClient();
    const client = new InitiatorEnd("a").start();
    const next = new InitiatorEnd("c", {}, 1_700_000_000_001).start();
    expect(concentrator.answers(client.lastSent, HOME, 0)).toHaveLength(1);
    expect(concentrator.answers(next.lastSent, HOME, 19)).toHaveLength(0);
    expect(concentrator.answers(next.lastSent, HOME, 20)).toHaveLength(1);
    expect(concentrator.responder.drops["peer-limit"]).toBe(1);
  });
});

describe("a handshake that must not be", () => {
  it("gets no answer with a key the concentrator does not know, or knows no more", () => {
    const stranger = new InitiatorEnd("a", { privateKey: privateKey("stranger") }).start();
    const concentrator = new ResponderEnd("b").addClient();
    expect(concentrator.answers(stranger.lastSent, HOME, 0)).toEqual([]);
    const client = new InitiatorEnd("a").start();
    concentrator.responder.removePeer(publicKeyOf(privateKey("client")));
    expect(concentrator.answers(client.lastSent, HOME, 0)).toEqual([]);
    expect(concentrator.responder.drops["unknown-peer"]).toBe(2);
    expect(concentrator.indexes.size).toBe(0);
  });

  it("gets no answer from who has another key than the client thinks", () => {
    const client = new InitiatorEnd("a", { peerPublicKey: publicKeyOf(privateKey("another")) }).start();
    const concentrator = new ResponderEnd("b").addClient();
    expect(concentrator.answers(client.lastSent, HOME, 0)).toEqual([]);
    expect(concentrator.responder.drops["bad-mac1"]).toBe(1);
  });

  it("is refused by the client when the preshared keys differ, and goes on trying", () => {
    const client = new InitiatorEnd("a", { presharedKey: new Uint8Array(32).fill(1) }).start();
    const concentrator = new ResponderEnd("b").addClient({ presharedKey: new Uint8Array(32).fill(2) });
    client.receive(concentrator.answers(client.lastSent, HOME, 0));
    expect(client.log).toEqual(["0 started", "0 send", "0 response-refused"]);
    expect(client.initiator.drops["bad-noise"]).toBe(1);
    concentrator.addClient({ presharedKey: new Uint8Array(32).fill(1) });
    client.tick();
    client.receive(concentrator.answers(client.lastSent, HOME, client.nowMs));
    expectSameKeys(client, concentrator);
  });

  it("is not spoilt by a forged answer that comes before the right one", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    const [answer = new Uint8Array(0)] = concentrator.answers(client.lastSent, HOME, 0);
    for (let at = 0; at < answer.length; at++) {
      const forged = answer.slice();
      forged[at] = (forged[at] ?? 0) ^ 1;
      client.receive([forged]);
    }
    expect(client.established).toHaveLength(0);
    client.receive([answer]);
    expectSameKeys(client, concentrator);
  });
});

describe("the cipher", () => {
  it.each([
    [true, true, "encrypted", "encrypted", CIPHER_AES_256_GCM],
    [false, true, "encrypted", "encrypted", CIPHER_CHACHA20_POLY1305],
    [true, false, "encrypted", "encrypted", CIPHER_CHACHA20_POLY1305],
    [true, true, "none", "encrypted", CIPHER_AES_256_GCM],
    [true, true, "encrypted", "none", CIPHER_AES_256_GCM],
    [true, true, "none", "none", CIPHER_AUTH_ONLY_AES],
    [true, false, "none", "none", CIPHER_AUTH_ONLY_CHACHA],
  ] as const)(
    "with AES %s and %s, client %s, concentrator %s is %i",
    (clientAes, concentratorAes, ours, theirs, cipher) => {
      const client = new InitiatorEnd("a", { hasAes: clientAes, encryption: ours }).start();
      const concentrator = new ResponderEnd("b", concentratorAes).addClient({ encryption: theirs });
      client.receive(concentrator.answers(client.lastSent, HOME, 0));
      expectSameKeys(client, concentrator);
      expect(client.established[0]?.cipher).toBe(cipher);
    },
  );
});

describe("a concentrator under load", () => {
  it("asks for a cookie, and answers who brings it from the same address", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    concentrator.responder.onQueueDepth(1000, 0);
    const [reply = new Uint8Array(0)] = concentrator.answers(client.lastSent, HOME, 5);
    expect(reply.byteLength).toBe(64);
    client.nowMs = 10;
    client.receive([reply]);
    expect(client.log).toEqual(["0 started", "0 send", "10 cookie-received", "10 retried", "10 send"]);
    expect(concentrator.answers(client.lastSent, source("192.0.2.1:40001"), 15)[0]?.byteLength).toBe(64);
    client.receive(concentrator.answers(client.lastSent, HOME, 15));
    expectSameKeys(client, concentrator);
    expect(concentrator.responder.drops["cookie-asked"]).toBe(2);
  });

  it("makes the client try again once per initiation, however many cookies come", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    concentrator.responder.onQueueDepth(1000, 0);
    const replies = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].flatMap((from) =>
      concentrator.answers(client.lastSent, source(from), 0),
    );
    client.receive(replies);
    expect(client.sent).toHaveLength(2);
    client.receive(replies.map((reply) => reply.with(50, 1)));
    expect(client.initiator.drops["bad-cookie"]).toBe(3);
  });

  it("is one that got more than 100 initiations in a second, for as long as they come", () => {
    const concentrator = new ResponderEnd("b").addClient();
    const stranger = new InitiatorEnd("a", { privateKey: privateKey("stranger") }).start();
    const flood = (nowMs: number) =>
      concentrator.answers(stranger.lastSent, source(`10.0.${nowMs >> 8}.${nowMs & 255}:1`), nowMs).length;
    for (let nowMs = 0; nowMs < 100; nowMs++) expect(flood(nowMs)).toBe(0);
    for (let nowMs = 100; nowMs < 200; nowMs++) expect(flood(nowMs)).toBe(1);
    expect(flood(1500)).toBe(0);
    expect(concentrator.responder.drops["unknown-peer"]).toBe(101);
  });

  it("spends at most 20 handshakes a second, 5 at once, on one source", () => {
    const concentrator = new ResponderEnd("b").addClient();
    const stranger = new InitiatorEnd("a", { privateKey: privateKey("stranger") }).start();
    for (let nowMs = 0; nowMs < 1000; nowMs += 25) concentrator.answers(stranger.lastSent, HOME, nowMs);
    expect(concentrator.responder.drops).toMatchObject({ "unknown-peer": 24, "source-limit": 16 });
  });
});

describe("keys", () => {
  it("are renewed after two minutes, before the old ones end", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    for (let round = 0; round < 3; round++) {
      client.receive(concentrator.answers(client.lastSent, HOME, client.nowMs));
      expectSameKeys(client, concentrator);
      client.tick();
    }
    expect(client.established.map(({ createdMs }) => createdMs)).toEqual([
      0,
      REKEY_AFTER_MS + 167,
      2 * (REKEY_AFTER_MS + 167),
    ]);
    expect(client.log).not.toContain("expired");
  });

  it("are renewed at once when they have sealed too much, but not twice at a time", () => {
    const client = new InitiatorEnd("a").start();
    const concentrator = new ResponderEnd("b").addClient();
    client.receive(concentrator.answers(client.lastSent, HOME, 0));
    client.nowMs = 1000;
    client.initiator.rekeyNow(1000);
    client.initiator.rekeyNow(1001);
    expect(client.sent).toHaveLength(2);
    client.receive(concentrator.answers(client.lastSent, HOME, 1000));
    expectSameKeys(client, concentrator);
  });

  it("end after three minutes without an answer, and are found again when the concentrator is back", () => {
    const client = new InitiatorEnd("a").start();
    client.receive(new ResponderEnd("b").addClient().answers(client.lastSent, HOME, 0));
    while (client.nowMs < REJECT_AFTER_MS) client.tick();
    expect(client.log.at(-1)).toBe(`${REJECT_AFTER_MS} expired`);
    const backAtMs = 900_000;
    while (client.nowMs < backAtMs) client.tick();
    expect(client.nowMs - backAtMs).toBeLessThan(2000);
    const restarted = new ResponderEnd("c").addClient();
    client.receive(restarted.answers(client.lastSent, HOME, client.nowMs));
    expectSameKeys(client, restarted);
    expect(client.indexes.size).toBe(2);
  });
});

describe("a restart", () => {
  it("of the concentrator is answered by new keys as soon as the owner sees the silence", () => {
    const client = new InitiatorEnd("a").start();
    client.receive(new ResponderEnd("b").addClient().answers(client.lastSent, HOME, 0));
    const restarted = new ResponderEnd("c").addClient();
    client.nowMs = 30_000;
    client.initiator.restart(30_000);
    client.receive(restarted.answers(client.lastSent, HOME, 30_010));
    expectSameKeys(client, restarted);
  });

  it("of the client gets new keys, as its clock went on", () => {
    const concentrator = new ResponderEnd("b").addClient();
    const client = new InitiatorEnd("a").start();
    client.receive(concentrator.answers(client.lastSent, HOME, 0));
    const restarted = new InitiatorEnd("c", {}, 1_700_000_000_000, 5_000).start();
    restarted.receive(concentrator.answers(restarted.lastSent, HOME, 5_000));
    expectSameKeys(restarted, concentrator);
  });

  it("told again and again makes no more than two initiations a second", () => {
    const client = new InitiatorEnd("a").start();
    for (let nowMs = 0; nowMs <= 3000; nowMs += 10) {
      client.nowMs = nowMs;
      client.initiator.restart(nowMs);
      client.initiator.onTimer(nowMs);
    }
    expect(client.sent).toHaveLength(7);
    expect(client.indexes.size).toBe(7);
    client.initiator.stop();
    expect([client.indexes.size, client.initiator.nextDeadlineMs]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});
