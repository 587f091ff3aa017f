import type { BondSettings } from "@wanbond/shared/bond";
import {
  type BondingSettings,
  type ConcentratorClientConfig,
  type ConcentratorConfig,
  resolveBond,
} from "@wanbond/shared/config";

/** One configured client and what is known of it while it is connected. */
export interface Client {
  /** Number for the forwarder. */
  readonly peerId: number;
  readonly config: ConcentratorClientConfig;
  /** Of our sending direction. */
  bond: BondSettings;
  /** Drawn by the client at its start; another one means that it has started anew. undefined: not connected. */
  runId: number | undefined;
  /** The log has told of this run. */
  announced: boolean;
  /** Devices of its members, for status. */
  readonly devices: Map<number, string>;
  innerMtu: number;
}

/** The configured clients by the names under which the parts of the server know them. */
export class ClientDirectory {
  readonly all: readonly Client[];
  readonly #ownBonding: BondingSettings | undefined;

  constructor(config: ConcentratorConfig) {
    this.#ownBonding = config.bonding;
    this.all = config.client.map((client, peerId) => ({
      peerId,
      config: client,
      bond: this.#bondOf(client, undefined),
      runId: undefined,
      announced: false,
      devices: new Map(),
      innerMtu: 0,
    }));
  }

  byName(name: string): Client | undefined {
    return this.all.find((client) => client.config.name === name);
  }

  byPeerId(peerId: number): Client | undefined {
    return this.all[peerId];
  }

  /**
   * What the client says of its bonding counts for our direction too, unless our own file says something: so that it is
   * enough to configure one side.
   */
  takeBonding(client: Client, told: BondingSettings): boolean {
    if ((client.config.bonding ?? this.#ownBonding) !== undefined) return false;
    client.bond = this.#bondOf(client.config, told);
    return true;
  }

  #bondOf(client: ConcentratorClientConfig, told: BondingSettings | undefined): BondSettings {
    return resolveBond(client.bonding ?? this.#ownBonding ?? told, client.name);
  }
}
