import type { BondSettings } from "@wanbond/shared/bond";
import {
  type BondingSettings,
  type ConcentratorClientConfig,
  type ConcentratorConfig,
  resolveBond,
} from "@wanbond/shared/config";

/** Where a client stands: in the configuration file, or among those that joined by an invite. */
export type ClientOrigin = "file" | "joined";

/** One client and what is known of it while it is connected. */
export interface Client {
  /** Number for the forwarder. */
  readonly peerId: number;
  readonly config: ConcentratorClientConfig;
  readonly origin: ClientOrigin;
  /** Wall clock when it joined, as text; null for those of the file. */
  readonly since: string | null;
  /** Of our sending direction. */
  bond: BondSettings;
  /** Drawn by the client at its start; another one means that it has started anew. undefined: not connected. */
  runId: number | undefined;
  /** The log has told of this run. */
  announced: boolean;
  /** Devices of its members, for status. */
  readonly devices: Map<number, string>;
  innerMtu: number;
  /** Wall clock when it was last heard, before it closed its session; NaN when it was not. */
  lastSeenMs: number;
}

/** The clients by the names under which the parts of the server know them. Clients may come and go while it runs. */
export class ClientDirectory {
  readonly #ownBonding: BondingSettings | undefined;
  readonly #clients = new Map<number, Client>();
  #nextPeerId = 0;

  constructor(config: ConcentratorConfig) {
    this.#ownBonding = config.bonding;
    for (const client of config.client) this.add(client, "file", null);
  }

  get all(): readonly Client[] {
    return [...this.#clients.values()];
  }

  /** A number for the forwarder that no peer has had. */
  newPeerId(): number {
    return this.#nextPeerId++;
  }

  add(config: ConcentratorClientConfig, origin: ClientOrigin, since: string | null): Client {
    const client: Client = {
      peerId: this.newPeerId(),
      config,
      origin,
      since,
      bond: this.#bondOf(config, undefined),
      runId: undefined,
      announced: false,
      devices: new Map(),
      innerMtu: 0,
      lastSeenMs: Number.NaN,
    };
    this.#clients.set(client.peerId, client);
    return client;
  }

  remove(client: Client): void {
    this.#clients.delete(client.peerId);
  }

  byName(name: string): Client | undefined {
    return this.all.find((client) => client.config.name === name);
  }

  byPeerId(peerId: number): Client | undefined {
    return this.#clients.get(peerId);
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
