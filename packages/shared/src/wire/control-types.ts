import { LOAD_BYTES, OBSERVE_BYTES, TRAIN_MIN_BYTES } from "./measure-frame.ts";

/** Messages of a control datagram: type u8 | length u16 | body. Several fit one datagram; docs/wire-format.md lists them. */
export const MESSAGE_HEADER_BYTES = 3;

export const PADDING = 0;
export const PROBE = 1;
export const PROBE_REPLY = 2;
export const ATTACH = 3;
export const ATTACH_ACK = 4;
export const DETACH = 5;
export const CONFIG = 6;
export const CONFIG_ACK = 7;
export const CLOSE = 8;
export const MTU_PROBE = 9;
export const MTU_ACK = 10;
export const BOND_MTU = 11;
export const FEEDBACK = 12;
export const ENROL = 13;
export const ENROL_REPLY = 14;
export const OBSERVE = 15;
export const OBSERVED = 16;
export const DELAYED_REPLY = 17;
export const LOAD = 18;
export const TRAIN = 19;
export const HELD = 20;

/** JSON of an ATTACH, in bytes of UTF-8. */
export const MAX_ATTACH_BYTES = 512;
/** JSON of a CONFIG, an ENROL or its reply, in bytes of UTF-8: alone in its datagram it passes a line of 1280 bytes over IPv6. */
export const MAX_CONFIG_BYTES = 1192;

/** Reasons of a CLOSE. */
export const CLOSE_STOPPING = 0;
export const CLOSE_REMOVED = 1;

/** Body of a HELD: two masks of paths. */
export const HELD_BYTES = 8;

export const TWO_32 = 0x100000000;
/** Smallest body of each type this version knows; a longer one is a later version's, its end is not looked at. */
export const MIN_BODY_BYTES: Readonly<Record<number, number>> = {
  ...[0, 4, 20, 4, 4, 0, 4, 4, 1, 6, 6, 2, 4, 4, 4],
  [OBSERVE]: OBSERVE_BYTES,
  [OBSERVED]: OBSERVE_BYTES,
  [DELAYED_REPLY]: OBSERVE_BYTES,
  [LOAD]: LOAD_BYTES,
  [TRAIN]: TRAIN_MIN_BYTES,
  [HELD]: HELD_BYTES,
};
