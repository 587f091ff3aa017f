export { open, seal } from "./chacha-poly.ts";
export {
  INVITE_CHECK_BYTES,
  INVITE_SECRET_BYTES,
  type InviteKeys,
  inviteCheck,
  inviteKeys,
} from "./invite-keys.ts";
export { formatKey, generatePrivateKey, parseKey, parsePublicKey } from "./keys.ts";
export * from "./mac.ts";
export * from "./noise-ikpsk2.ts";
export { ReplayWindow } from "./replay-window.ts";
export { isLater, tai64n } from "./tai64n.ts";
export { KEY_BYTES, publicKeyOf, type X25519, x25519Node, x25519Tweetnacl } from "./x25519.ts";
