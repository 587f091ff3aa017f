/** Nanoseconds of the packet loop per frame. */
export interface LoopCost {
  /** At the end that reads the TAP. */
  readonly egressNs: number;
  /** At the end that writes it. */
  readonly ingressNs: number;
}

/** What the packet loop costs beside the system's calls and the cipher. */
export interface PolicyCost {
  readonly policy: string;
  readonly members: number;
  /** Frames come in batches. */
  readonly loaded: LoopCost;
  /** Every frame comes alone. */
  readonly alone: LoopCost;
  /** Of both, the part that chooses the members. */
  readonly pickNs: number;
}

/** One step of the packet loop in a loop of its own. */
export interface StageCost {
  readonly name: string;
  readonly ns: number;
}

/** One implementation of X25519. */
export interface X25519Cost {
  readonly name: string;
  /** A multiplication with a private key that was used before. */
  readonly multiplicationUs: number;
  /** All that a responder's Noise does for an initiation it answers. */
  readonly handshakeUs: number;
}
