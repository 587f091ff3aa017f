import type { ClientConfig, ConfigPush } from "@wanbond/shared/config";
import { BRIDGED_TAP_MTU, type ProgramContext, SMALLEST_TAP_MTU } from "@wanbond/shared/runtime";
import {
  type Change,
  hasIpv6,
  mergeReports,
  networkOf,
  nftTableName,
  parsePrefix,
  type ReconcileReport,
  tunnelTable,
} from "@wanbond/shared/system";
import { directTableBody, FORMER_DIRECT_TABLE_BODY, GUARD_PREFIX, guardChanges } from "./fallback/index.ts";
import { reconcileLan } from "./lan/index.ts";
import {
  logUplinks,
  type ResolvedUplink,
  readUplinkFacts,
  resolveUplinks,
  type UplinkFacts,
  UplinkPinning,
} from "./uplink/index.ts";

/** What the rest of the program wants of the system; asked for after the uplinks were looked at. */
export interface HomeWishes {
  /** Of the concentrator in use; undefined before it has told how this client is set up. */
  readonly push: ConfigPush | undefined;
  /** Largest inner packet of the bond in use; undefined while it is not known. */
  readonly innerMtu: number | undefined;
  /** The uplink that the LAN uses in place of the bond; null: it uses the bond. */
  readonly direct: ResolvedUplink | null;
}

/** The home router's network: uplinks as they are, and our rules, routes, addresses and tables as they are to be. */
export class HomeNetwork {
  /** As they were at the last look. */
  uplinks: readonly ResolvedUplink[] = [];
  readonly #context: ProgramContext;
  readonly #config: ClientConfig;
  readonly #pinning: UplinkPinning;
  /** The LAN has used an uplink directly since the start. */
  #wasDirect = false;

  constructor(context: ProgramContext, config: ClientConfig) {
    this.#context = context;
    this.#config = config;
    this.#pinning = new UplinkPinning(context.changes, context.instance);
  }

  /**
   * Looks at the uplinks, then makes everything be as wanted, and mends what got lost.
   *
   * @param found is told of the uplinks when they are pinned, before it is asked what is wanted.
   */
  async reconcile(found: () => HomeWishes): Promise<ReconcileReport> {
    const facts = await readUplinkFacts(this.#context.runner);
    const uplinks = resolveUplinks(this.#config.uplinks, facts, [this.#config.client.tap], this.#config.otherUplinks);
    logUplinks(this.#context.log, this.uplinks, uplinks);
    this.uplinks = uplinks;
    // The kill switch before forwarding is switched on, and before anything else.
    const guard = await this.#context.changes.reconcile(GUARD_PREFIX, await this.#guard(facts));
    await this.#pinning.reconcile(uplinks);
    return mergeReports([guard, ...(await this.#reconcileLan(facts, found()))]);
  }

  async #guard(facts: UplinkFacts): Promise<Map<string, Change>> {
    const { client, fallback, concentrators } = this.#config;
    if (fallback.killSwitch === "off") return new Map();
    const uplinkDevices = this.#uplinkDevices();
    return guardChanges({
      tap: client.tap,
      instance: this.#context.instance,
      families: (await hasIpv6(this.#context.runner)) ? [4, 6] : [4],
      uplinkDevices,
      near: facts.addresses.filter(({ device }) => uplinkDevices.includes(device)).map(networkOf),
      concentrators: concentrators.flatMap(({ endpoints }) => endpoints.map(({ host }) => host)),
    });
  }

  /** Who goes out directly is translated when the route leads there, and until it leads back (directTableBody). */
  async #reconcileLan(facts: UplinkFacts, wishes: HomeWishes): Promise<ReconcileReport[]> {
    const { changes } = this.#context;
    const table = () => changes.reconcile("direct:", this.#directTable(facts, wishes));
    const lan = () => this.#lan(facts, wishes);
    return wishes.direct === null ? [await table(), await lan()] : [await lan(), await table()];
  }

  #lan(facts: UplinkFacts, { push, innerMtu, direct }: HomeWishes): Promise<ReconcileReport> {
    const { tap, mode, bridge, mtu, defaultRoute, lan } = this.#config.client;
    const ownMtu = mode === "bridged" ? BRIDGED_TAP_MTU : (innerMtu ?? SMALLEST_TAP_MTU);
    return reconcileLan(this.#context.changes, this.#context.instance, {
      tap,
      mode,
      bridge,
      mtu: mtu === "auto" ? Math.max(SMALLEST_TAP_MTU, push?.mtu ?? ownMtu) : mtu,
      addresses: push?.addresses ?? [],
      routes: push?.routes ?? [],
      defaultRoute: defaultRoute && push !== undefined,
      direct,
      guarded: this.#config.fallback.killSwitch !== "off",
      lan: lan.map(({ text }) => text),
      uplinkDevices: this.#uplinkDevices(),
      defaultRoutes: facts.defaultRoutes,
    });
  }

  #directTable(facts: UplinkFacts, { push, direct }: HomeWishes): Map<string, Change> {
    const { tap, lan } = this.#config.client;
    const table = (body: string): Map<string, Change> =>
      new Map([["direct:table", { kind: "nft", table: nftTableName(tap, "direct"), body }]]);
    if (direct === null) return this.#wasDirect ? table(FORMER_DIRECT_TABLE_BODY) : new Map();
    this.#wasDirect = true;
    const body = directTableBody({
      tap,
      uplinkDevices: this.#uplinkDevices(),
      lan: lan.map(({ text }) => text),
      inner: (push?.addresses ?? []).map((address) => parsePrefix(address).address),
      near: facts.addresses.filter(({ device }) => device !== tap).map(networkOf),
      zone: tunnelTable(this.#context.instance),
    });
    return table(body);
  }

  /** With those of the configuration that are not there now: a rule may know a device before it comes. */
  #uplinkDevices(): string[] {
    return [...new Set(this.uplinks.map(({ device }) => device))];
  }
}
