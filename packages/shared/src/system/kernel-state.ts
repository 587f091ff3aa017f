import * as z from "zod";
import { ipJson, type Runner } from "./command.ts";
import { OWN_PROTOCOL } from "./names.ts";
import { networkOf } from "./prefix.ts";

export interface LinkFact {
  readonly name: string;
  /** Changes when a device is removed and comes back. */
  readonly index: number;
  /** veth, ppp, tun, wireguard, bridge ...; empty for hardware. */
  readonly kind: string;
  readonly up: boolean;
  readonly carrier: boolean;
  readonly pointToPoint: boolean;
  readonly loopback: boolean;
  readonly arp: boolean;
  readonly mtu: number;
  readonly queueFrames: number;
  /** null without IPv6. */
  readonly addrGenMode: string | null;
  readonly master: string | null;
}

export interface AddressFact {
  readonly device: string;
  readonly family: 4 | 6;
  readonly address: string;
  readonly length: number;
  /** 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** False for addresses that are about to go, are not checked yet, or change every day (RFC 8981). */
  readonly steady: boolean;
}

export interface RouteFact {
  readonly family: 4 | 6;
  readonly destination: string;
  readonly table: number;
  readonly device: string;
  readonly gateway: string | null;
  readonly metric: number;
  readonly protocol: number;
  /** Preferred source address. */
  readonly source: string | null;
}

/** A table of ours in which what finds no better default route is refused. */
export interface UnreachableFact {
  readonly family: 4 | 6;
  readonly table: number;
}

export interface RuleFact {
  readonly family: 4 | 6;
  readonly priority: number;
  /** null for all. */
  readonly from: string | null;
  readonly table: number;
  readonly suppressPrefixLength: number | null;
  readonly protocol: number;
}

const Link = z.object({
  ifname: z.string(),
  ifindex: z.number(),
  flags: z.array(z.string()),
  mtu: z.number(),
  txqlen: z.number().default(0),
  master: z.string().optional(),
  inet6_addr_gen_mode: z.string().optional(),
  linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
});

const Address = z.object({
  family: z.string(),
  local: z.string().optional(),
  prefixlen: z.number().optional(),
  scope: z.coerce.number().optional(),
  secondary: z.boolean().optional(),
  temporary: z.boolean().optional(),
  deprecated: z.boolean().optional(),
  tentative: z.boolean().optional(),
  dadfailed: z.boolean().optional(),
});

const Hop = z.object({
  gateway: z.string().optional(),
  via: z.object({ host: z.string() }).optional(),
  dev: z.string().optional(),
});

const Route = Hop.extend({
  dst: z.string(),
  table: z.coerce.number().default(254),
  metric: z.number().default(0),
  protocol: z.coerce.number().optional(),
  prefsrc: z.string().optional(),
  nexthops: z.array(Hop).optional(),
});

const Rule = z.object({
  priority: z.number(),
  src: z.string(),
  srclen: z.number().optional(),
  table: z.coerce.number().default(0),
  suppress_prefixlen: z.number().optional(),
  protocol: z.coerce.number().default(0),
});

export async function readLinks(runner: Runner): Promise<LinkFact[]> {
  return z
    .array(Link)
    .parse(await ipJson(runner, ["link", "show"]))
    .map(linkFact);
}

export async function readAddresses(runner: Runner): Promise<AddressFact[]> {
  const Device = z.object({ ifname: z.string().optional(), addr_info: z.array(Address).default([]) });
  const devices = z.array(Device).parse(await ipJson(runner, ["addr", "show"]));
  return devices.flatMap(({ ifname, addr_info }) => addr_info.flatMap((fact) => addressFact(ifname, fact)));
}

/** Default routes of all tables, a multipath route as one fact per next hop. */
export async function readDefaultRoutes(runner: Runner): Promise<RouteFact[]> {
  const four = await ipJson(runner, ["-4", "route", "show", "table", "all", "exact", "0.0.0.0/0"]);
  const six = await ifIpv6(runner, ["route", "show", "table", "all", "exact", "::/0"]);
  return [...routeFacts(4, four, 0), ...routeFacts(6, six, 0)];
}

/** The kernel's table of its own addresses. */
const LOCAL_TABLE = 255;

/**
 * Networks that this host has addresses in or routes to, as text, without what every host has (loopback, link-local,
 * multicast) and without default routes. @param ownDevices what leads there is not counted.
 */
export async function readNetworksInUse(runner: Runner, ownDevices: readonly string[]): Promise<string[]> {
  const select = ["route", "show", "table", "all"];
  const routes = [
    ...routeFacts(4, await ipJson(runner, ["-4", ...select]), 0),
    ...routeFacts(6, await ifIpv6(runner, select), 0),
  ].filter(({ table, protocol }) => table !== LOCAL_TABLE && protocol !== OWN_PROTOCOL);
  const addresses = (await readAddresses(runner)).map((fact) => ({ ...fact, destination: networkOf(fact) }));
  const networks = [...addresses, ...routes]
    .filter(({ device }) => device !== "lo" && !ownDevices.includes(device))
    .map(({ destination }) => destination)
    .filter((text) => text !== "default" && !/^(fe80:|ff|169\.254\.|22[4-9]\.|23[0-9]\.)/.test(text));
  return [...new Set(networks)];
}

/** Routes that bear our protocol number. */
export async function readOwnRoutes(runner: Runner): Promise<RouteFact[]> {
  const select = ["route", "show", "table", "all", "proto", String(OWN_PROTOCOL)];
  const six = await ifIpv6(runner, select);
  // When ip selects by protocol, it leaves the protocol out of its answer.
  return [...routeFacts(4, await ipJson(runner, ["-4", ...select]), OWN_PROTOCOL), ...routeFacts(6, six, OWN_PROTOCOL)];
}

export async function readOwnUnreachable(runner: Runner): Promise<UnreachableFact[]> {
  const select = ["route", "show", "table", "all", "type", "unreachable", "proto", String(OWN_PROTOCOL)];
  const tables = (family: 4 | 6, json: unknown) =>
    z
      .array(Route)
      .parse(json)
      .filter(({ dst }) => dst === "default")
      .map(({ table }) => ({ family, table }));
  return [...tables(4, await ipJson(runner, ["-4", ...select])), ...tables(6, await ifIpv6(runner, select))];
}

export async function readRules(runner: Runner): Promise<RuleFact[]> {
  const six = await ifIpv6(runner, ["rule", "show"]);
  return [...ruleFacts(4, await ipJson(runner, ["-4", "rule", "show"])), ...ruleFacts(6, six)];
}

const Neighbour = z.object({ dst: z.string(), state: z.array(z.string()).default([]) });

/** What the kernel knows of a neighbour: whether it was heard, looked for in vain, or neither yet. */
export async function readNeighbour(
  runner: Runner,
  address: string,
  device: string,
): Promise<"reachable" | "failed" | "unknown"> {
  const neighbours = z.array(Neighbour).parse(await ipJson(runner, ["neigh", "show", "dev", device]));
  const states = neighbours.filter(({ dst }) => dst === address).flatMap(({ state }) => state);
  if (states.some((state) => ["REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT", "NOARP"].includes(state)))
    return "reachable";
  return states.includes("FAILED") ? "failed" : "unknown";
}

/** An IPv6 question to a kernel that may have no IPv6. */
async function ifIpv6(runner: Runner, args: readonly string[]): Promise<unknown> {
  return (await hasIpv6(runner)) ? ipJson(runner, ["-6", ...args]) : [];
}

/** Whether this kernel has IPv6 at all. */
export async function hasIpv6(runner: Runner): Promise<boolean> {
  return (await runner.readSetting("net/ipv6/conf/all/forwarding")) !== null;
}

function linkFact(link: z.infer<typeof Link>): LinkFact {
  const has = (flag: string) => link.flags.includes(flag);
  return {
    name: link.ifname,
    index: link.ifindex,
    kind: link.linkinfo?.info_kind ?? "",
    up: has("UP"),
    carrier: has("LOWER_UP"),
    pointToPoint: has("POINTOPOINT"),
    loopback: has("LOOPBACK"),
    arp: !has("NOARP"),
    mtu: link.mtu,
    queueFrames: link.txqlen,
    addrGenMode: link.inet6_addr_gen_mode ?? null,
    master: link.master ?? null,
  };
}

function addressFact(device: string | undefined, fact: z.infer<typeof Address>): AddressFact[] {
  if (device === undefined || fact.local === undefined) return [];
  return [
    {
      device,
      family: fact.family === "inet" ? 4 : 6,
      address: fact.local,
      length: fact.prefixlen ?? 0,
      scope: fact.scope ?? 0,
      steady: !(fact.secondary || fact.temporary || fact.deprecated || fact.tentative || fact.dadfailed),
    },
  ];
}

function routeFacts(family: 4 | 6, json: unknown, protocol: number): RouteFact[] {
  return z
    .array(Route)
    .parse(json)
    .flatMap((route) =>
      (route.nexthops ?? [route]).flatMap((hop) =>
        hop.dev === undefined
          ? [] // blackhole, unreachable
          : [
              {
                family,
                destination: route.dst,
                table: route.table,
                device: hop.dev,
                gateway: hop.gateway ?? hop.via?.host ?? null,
                metric: route.metric,
                protocol: route.protocol ?? protocol,
                source: route.prefsrc ?? null,
              },
            ],
      ),
    );
}

function ruleFacts(family: 4 | 6, json: unknown): RuleFact[] {
  return z
    .array(Rule)
    .parse(json)
    .map((rule) => ({
      family,
      priority: rule.priority,
      from: rule.src === "all" ? null : rule.srclen === undefined ? rule.src : `${rule.src}/${rule.srclen}`,
      table: rule.table,
      suppressPrefixLength: rule.suppress_prefixlen ?? null,
      protocol: rule.protocol,
    }));
}
