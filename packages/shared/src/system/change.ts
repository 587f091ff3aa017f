import * as z from "zod";

/**
 * What wanbond may change in a running system, as data: so it can be compared, written to the journal, and taken back
 * by a later process. Schemas, because the journal is read back from a file.
 */
const Family = z.union([z.literal(4), z.literal(6)]);

const RuleChange = z.object({
  kind: z.literal("rule"),
  family: Family,
  priority: z.number(),
  /** Source address; null for all packets. */
  from: z.string().nullable(),
  table: z.number(),
  /** 0: look the table up, but not for its default route. */
  suppressPrefixLength: z.number().nullable(),
});

const RouteChange = z.object({
  kind: z.literal("route"),
  family: Family,
  /** As the kernel prints it (routeDestination). */
  destination: z.string(),
  table: z.number(),
  device: z.string(),
  gateway: z.string().nullable(),
});

/** What finds no better default route in this table is refused, not looked up further. */
const UnreachableChange = z.object({ kind: z.literal("unreachable"), family: Family, table: z.number() });

const AddressChange = z.object({ kind: z.literal("address"), device: z.string(), address: z.string() });

const LinkChange = z.object({
  kind: z.literal("link"),
  device: z.string(),
  setting: z.enum(["mtu", "txqueuelen", "arp", "addrgenmode", "master", "state"]),
  /** A number, on or off, none or eui64, a bridge or "" for none, up or down. */
  value: z.string(),
});

/** A bridge that is made if there is none of this name. */
const BridgeChange = z.object({ kind: z.literal("bridge"), device: z.string() });

/** A file below /proc/sys, changed only where its value is `onlyFrom`. */
const SettingChange = z.object({
  kind: z.literal("setting"),
  path: z.string(),
  value: z.string(),
  onlyFrom: z.string(),
});

/** Reverse-path filter of a device: loose where it is strict; where it is off it stays off. */
const ReversePathChange = z.object({ kind: z.literal("reverse-path"), device: z.string() });

const ForwardingChange = z.object({ kind: z.literal("forwarding"), family: Family });

/** An nft table of family inet, replaced as a whole in one transaction. */
const NftChange = z.object({ kind: z.literal("nft"), table: z.string(), body: z.string() });

export const Change = z.discriminatedUnion("kind", [
  RuleChange,
  RouteChange,
  UnreachableChange,
  AddressChange,
  LinkChange,
  BridgeChange,
  SettingChange,
  ReversePathChange,
  ForwardingChange,
  NftChange,
]);
export type Change = z.infer<typeof Change>;
export type ChangeOf<Kind extends Change["kind"]> = Extract<Change, { kind: Kind }>;

/** Changes by key, as in "uplink:isp1:rule4"; they are applied in this order and taken back in the reverse one. */
export type Changes = ReadonlyMap<string, Change>;

/** What has to be remembered of the time before a change: names and values, kept in the journal. */
export const Before = z.record(z.string(), z.string());
export type Before = z.infer<typeof Before>;

export function sameChange(a: Change, b: Change): boolean {
  return JSON.stringify(Change.parse(a)) === JSON.stringify(Change.parse(b));
}

/** The place in the kernel that a change fills: two changes of one place replace each other there. */
export function placeOf(change: Change): string {
  switch (change.kind) {
    case "rule":
      return JSON.stringify(Change.parse(change));
    case "route":
      return `route ${change.family} ${change.table} ${change.destination}`;
    case "unreachable":
      return `unreachable ${change.family} ${change.table}`;
    case "address":
      return `address ${change.device} ${change.address}`;
    case "link":
      return `link ${change.device} ${change.setting}`;
    case "setting":
      return `setting ${change.path}`;
    case "forwarding":
      return `forwarding ${change.family}`;
    case "nft":
      return `nft ${change.table}`;
    default:
      return `${change.kind} ${change.device}`;
  }
}
