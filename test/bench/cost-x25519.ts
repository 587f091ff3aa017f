import { randomBytes } from "node:crypto";
import {
  NoiseHandshake,
  publicKeyOf,
  type X25519,
  x25519Node,
  x25519Tweetnacl,
} from "../../packages/shared/src/crypto/index.ts";
import type { X25519Cost } from "./cost-result.ts";
import { nanosecondsPerTurn } from "./cost-timing.ts";

/** What a handshake costs with either implementation of X25519. */
export function x25519Costs(seconds: number): X25519Cost[] {
  return [costOf("node:crypto", x25519Node, seconds), costOf("tweetnacl", x25519Tweetnacl, seconds)];
}

function costOf(name: string, x25519: X25519, seconds: number): X25519Cost {
  const own = keyPair();
  const other = keyPair();
  const multiply = (count: number) => {
    for (let i = 0; i < count; i++) x25519(own.privateKey, other.publicKey);
  };
  const initiation = newHandshake(true, own, x25519Node, other.publicKey).writeMessage(new Uint8Array(24));
  const answer = (count: number) => {
    for (let i = 0; i < count; i++) {
      const responder = newHandshake(false, other, x25519);
      responder.readMessage(initiation ?? new Uint8Array(0), () => new Uint8Array(32));
      responder.writeMessage(new Uint8Array(8));
      responder.split();
    }
  };
  return {
    name,
    multiplicationUs: nanosecondsPerTurn(multiply, seconds) / 1000,
    handshakeUs: nanosecondsPerTurn(answer, seconds) / 1000,
  };
}

interface Keys {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

function keyPair(): Keys {
  const privateKey = new Uint8Array(randomBytes(32));
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

function newHandshake(
  isInitiator: boolean,
  staticKeys: Keys,
  x25519: X25519,
  remoteStatic?: Uint8Array,
): NoiseHandshake {
  const ephemeralPrivateKey = new Uint8Array(randomBytes(32));
  return new NoiseHandshake({
    pattern: "IKpsk2",
    isInitiator,
    prologue: new Uint8Array(0),
    staticKeys,
    ephemeralPrivateKey,
    x25519,
    ...(remoteStatic && { remoteStatic, presharedKey: new Uint8Array(32) }),
  });
}
