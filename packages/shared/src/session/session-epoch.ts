/** The keys of one handshake, as both ends hold them afterwards. Who gets it owns it, and its local index with it. */
export interface SessionEpoch {
  /** What the other end writes into the `session` field of its datagrams; to be given back to `SessionIndexes`. */
  readonly localIndex: number;
  /** What this end writes there. */
  readonly remoteIndex: number;
  /** 32 bytes each. */
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** One of the CIPHER_ constants. */
  readonly cipher: number;
  readonly createdMs: number;
  /** The other end drew it at its start: another one than before says that it has started anew. */
  readonly farRunId: number;
  /** The initiator may send at once, the responder only after the first authentic datagram under these keys. */
  readonly isInitiator: boolean;
}

/** `none` is authenticated all the same, and only where both ends are configured for it. */
export type Encryption = "encrypted" | "none";

/** A new handshake is begun when keys are this old (WireGuard's REKEY_AFTER_TIME) ... */
export const REKEY_AFTER_MS = 120_000;
/** ... or have sealed this many datagrams. */
export const REKEY_AFTER_DATAGRAMS = 2 ** 48;
/** Older keys neither seal nor open (WireGuard's REJECT_AFTER_TIME). */
export const REJECT_AFTER_MS = 180_000;
/** Keys go on opening for this long after newer ones took over: what is still on a slow line is not lost. */
export const OLD_KEYS_KEEP_MS = 15_000;
/** A responder's epoch that no authentic datagram has confirmed by then is forgotten. */
export const UNCONFIRMED_KEEP_MS = 15_000;
