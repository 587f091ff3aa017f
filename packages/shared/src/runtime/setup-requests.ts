/** What `wanbond concentrator init` is told. */
export interface InitRequest {
  readonly configPath: string;
  /** Empty: port 51900 of all addresses. */
  readonly listen: readonly string[];
  /** Empty: the address of the default route, if it is public. */
  readonly endpoints: readonly string[];
  /** Empty: a network that is not in use here. */
  readonly address: readonly string[];
  readonly tap: string;
  /** Replaces a configuration that is there; its text goes to FILE.old, its key stays. */
  readonly force: boolean;
}

/** What was made, for the operator. */
export interface InitReport {
  readonly configPath: string;
  readonly publicKey: string;
  readonly listen: readonly string[];
  readonly endpoints: readonly string[];
  readonly address: readonly string[];
  /** Sentences about what is still to be done. */
  readonly hints: readonly string[];
}

/** What `wanbond client join` is told. */
export interface JoinRequest {
  readonly invite: string;
  readonly configPath: string;
  /** Networks behind this host; null: what is found; none: this host alone. */
  readonly lan: readonly string[] | null;
  readonly tap: string;
  /** Replaces a configuration that is there; its text goes to FILE.old. */
  readonly force: boolean;
}

/** What a join found and made, for the operator. */
export interface JoinReport {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly lan: readonly string[];
  readonly uplinks: readonly string[];
  readonly configPath: string;
  /** Sentences about what works, but less well than it could. */
  readonly warnings: readonly string[];
}
