import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  NoiseHandshake,
  type NoisePattern,
  open,
  publicKeyOf,
  seal,
  type X25519,
  x25519Node,
  x25519Tweetnacl,
} from "../../src/crypto/index.ts";

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks?: string[];
  init_static: string;
  init_ephemeral: string;
  init_remote_static: string;
  resp_prologue: string;
  resp_static: string;
  resp_ephemeral: string;
  handshake_hash?: string;
  messages: { payload: string; ciphertext: string }[];
}

const file = new URL("../../../../test/vectors/noise-ik.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] };
const implementations: [string, X25519][] = [
  ["node", x25519Node],
  ["tweetnacl", x25519Tweetnacl],
];
const cases = vectors.flatMap((vector, index) =>
  implementations.map(([name, x25519]) => ({
    title: `${index}: ${vector.protocol_name}, X25519 of ${name}`,
    vector,
    x25519,
  })),
);
const empty = new Uint8Array(0);

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}

function hex(data: Uint8Array | null | undefined): string | undefined {
  return data ? Buffer.from(data).toString("hex") : undefined;
}

function pair(vector: Vector, x25519: X25519) {
  const pattern = vector.protocol_name.split("_")[1] as NoisePattern;
  const psk = bytes(vector.init_psks?.[0] ?? "");
  const keys = (privateHex: string) => ({ privateKey: bytes(privateHex), publicKey: publicKeyOf(bytes(privateHex)) });
  const initiator = new NoiseHandshake({
    pattern,
    isInitiator: true,
    prologue: bytes(vector.init_prologue),
    staticKeys: keys(vector.init_static),
    ephemeralPrivateKey: bytes(vector.init_ephemeral),
    x25519,
    remoteStatic: bytes(vector.init_remote_static),
    presharedKey: psk,
  });
  const responder = new NoiseHandshake({
    pattern,
    isInitiator: false,
    prologue: bytes(vector.resp_prologue),
    staticKeys: keys(vector.resp_static),
    ephemeralPrivateKey: bytes(vector.resp_ephemeral),
    x25519,
  });
  return { initiator, responder, psk };
}

describe.each(cases)("published vector $title", ({ vector, x25519 }) => {
  const [first, second, ...transport] = vector.messages;

  it("is met in both directions", () => {
    const { initiator, responder, psk } = pair(vector, x25519);
    expect(hex(initiator.writeMessage(bytes(first?.payload ?? "")))).toBe(first?.ciphertext);
    expect(hex(responder.readMessage(bytes(first?.ciphertext ?? ""), () => psk))).toBe(first?.payload);
    expect(hex(responder.remoteStatic)).toBe(hex(publicKeyOf(bytes(vector.init_static))));
    expect(hex(responder.writeMessage(bytes(second?.payload ?? "")))).toBe(second?.ciphertext);
    expect(hex(initiator.clone().readMessage(bytes(second?.ciphertext ?? "")))).toBe(second?.payload);
    expect(hex(initiator.readMessage(bytes(second?.ciphertext ?? "")))).toBe(second?.payload);
    expect(hex(initiator.handshakeHash)).toBe(hex(responder.handshakeHash));
    if (vector.handshake_hash !== undefined) expect(hex(initiator.handshakeHash)).toBe(vector.handshake_hash);

    const ends = [initiator.split(), responder.split()] as const;
    for (const [index, message] of transport.entries()) {
      const [from, to] = index % 2 === 0 ? [ends[0], ends[1]] : [ends[1], ends[0]];
      const nonce = index >> 1;
      expect(hex(seal(from.sendKey, nonce, empty, bytes(message.payload)))).toBe(message.ciphertext);
      expect(hex(open(to.receiveKey, nonce, empty, bytes(message.ciphertext)))).toBe(message.payload);
    }
  });

  it("fails for every changed byte of the first message", () => {
    const message = bytes(first?.ciphertext ?? "");
    for (let at = 0; at < message.length; at += 7) {
      const { responder, psk } = pair(vector, x25519);
      const changed = Uint8Array.from(message);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(responder.readMessage(changed, () => psk)).toBeNull();
    }
  });

  it("fails for a message cut anywhere", () => {
    const message = bytes(first?.ciphertext ?? "");
    for (let length = 0; length < message.length; length += 11) {
      const { responder, psk } = pair(vector, x25519);
      expect(responder.readMessage(message.subarray(0, length), () => psk)).toBeNull();
    }
  });
});

it("refuses an ephemeral key of low order, and a sender its owner refuses", () => {
  const vector = vectors.find((one) => one.protocol_name.includes("psk2")) as Vector;
  const message = bytes(vector.messages[0]?.ciphertext ?? "");
  const lowOrder = Uint8Array.from(message).fill(0, 0, 32);
  expect(pair(vector, x25519Node).responder.readMessage(lowOrder)).toBeNull();
  expect(pair(vector, x25519Node).responder.readMessage(message, () => null)).toBeNull();
});
