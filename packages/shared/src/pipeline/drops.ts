/**
 * Why a frame or datagram ended here. Each has a counter; a reason without one does not compile.
 * docs/troubleshooting.md says what each of them means to an operator.
 */
const NONE_YET = {
  // from the TAP
  "no-session": 0,
  "no-route": 0,
  "not-ip": 0,
  "no-member": 0,
  "too-long": 0,
  "pool-empty": 0,
  // in the queue of a bond, and while it is kept to be sent again
  "queue-full": 0,
  "queue-delay": 0,
  "no-path": 0,
  "too-old": 0,
  "too-many-tries": 0,
  // to the lines
  "socket-full": 0,
  "message-too-big": 0,
  unreachable: 0,
  // from the lines
  malformed: 0,
  "unknown-session": 0,
  "unknown-path": 0,
  forged: 0,
  replayed: 0,
  "handshake-overload": 0,
  "control-refused": 0,
  "fragment-refused": 0,
  "fragment-incomplete": 0,
  duplicate: 0,
  "late-copy": 0,
  // after opening
  "foreign-source": 0,
  "client-to-client": 0,
  "not-routed": 0,
  "mac-moved": 0,
  // to the TAP
  "tap-full": 0,
};

export type DropReason = keyof typeof NONE_YET;
export type DropCounters = Record<DropReason, number>;

/** All counters at zero. One object lives as long as its forwarder; readers get copies. */
export function createDropCounters(): DropCounters {
  return { ...NONE_YET };
}
