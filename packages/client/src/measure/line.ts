/** One uplink that is to be measured, and how the concentrator is reached over it. */
export interface Line {
  readonly name: string;
  readonly device: string | null;
  readonly metered: boolean;
  /** In one word why it cannot carry anything at present; null: it can. */
  readonly unusable: string | null;
  readonly gateway: string | null;
  /** Address without port; null when it is not usable. */
  readonly source: string | null;
  /** Record of the concentrator's address; null when it is not known or the families differ. */
  readonly endpoint: Int32Array | null;
  readonly deviceMtu: number | null;
  readonly memberUp: boolean;
}
