import { aggregateText } from "./aggregate-table.ts";
import { fallbackText } from "./fallback-text.ts";
import type { BondStatus, MemberStatus, StatusSnapshot } from "./status.ts";
import { type Column, decimals, durationText, grid, mbit, printable, table, UNKNOWN } from "./table-text.ts";

const COLUMNS: readonly Column<MemberStatus>[] = [
  { title: "MEMBER", align: "left", text: (member) => member.name },
  { title: "DEVICE", align: "left", text: (member) => member.device ?? UNKNOWN },
  { title: "STATUS", align: "left", text: stateText },
  { title: "RTT ms", align: "right", text: (member) => decimals(member.rttMs, 1) },
  { title: "PDV ms", align: "right", text: (member) => decimals(member.pdvMs, 1) },
  { title: "PLR", align: "right", text: (member) => decimals(member.plrRatio, 3) },
  { title: "PER", align: "right", text: (member) => decimals(member.perRatio, 3) },
  { title: "TX Mbit/s", align: "right", text: (member) => mbit(member.txKbps) },
  { title: "RX Mbit/s", align: "right", text: (member) => mbit(member.rxKbps) },
  { title: "SHARE", align: "right", text: (member) => decimals(member.shareRatio, 2) },
  { title: "MTU", align: "right", text: (member) => decimals(member.mtu, 0) },
];

/** The state of a program for a terminal, in the manner of ZeroTier's `bond show`. Ends in a line feed. */
export function statusTable(snapshot: StatusSnapshot): string {
  const head = `${snapshot.role} pid ${snapshot.pid}, ${snapshot.tap}, up ${durationText(snapshot.uptimeMs)}`;
  const bonds = snapshot.bonds.length === 0 ? ["  no bonds\n"] : snapshot.bonds.map(bondText);
  return `${[`${head}\n`, fallbackText(snapshot.fallback), ...bonds, dropsText(snapshot.drops)].filter((part) => part !== "").join("\n")}`;
}

/** Healthy: all members carry or could; Degraded: some; Down: none. */
function bondHealth(bond: BondStatus): string {
  if (bond.state !== "up") return bond.state === "connecting" ? "Connecting" : "Down";
  const usable = usableCount(bond);
  if (usable === 0) return "Down";
  return usable === bond.members.length ? "Healthy" : "Degraded";
}

function bondText(bond: BondStatus): string {
  const policy = bond.hashPolicy === null ? bond.policy : `${bond.policy} (${bond.hashPolicy})`;
  const rows = [
    ["PEER", "BOND TYPE", "STATUS", "LINKS", "MTU", "CIPHER", "SESSION", "REKEYS", "ADDRESSES"],
    [
      printable(bond.peer),
      policy,
      `${bondHealth(bond)}${bond.reason === null ? "" : `, ${printable(bond.reason)}`}${bond.inUse ? "" : ", in reserve"}`,
      `${usableCount(bond)}/${bond.members.length}`,
      String(bond.mtu),
      bond.cipher ?? UNKNOWN,
      bond.sessionAgeMs === null ? UNKNOWN : durationText(bond.sessionAgeMs),
      String(bond.rekeys),
      bond.addresses.length === 0 ? UNKNOWN : bond.addresses.join(" "),
    ],
  ];
  const { held, late, lost, duplicates, made } = bond.resequencer;
  const order = `  held ${held}, late ${late}, lost ${lost}, duplicates ${duplicates}, made of parity ${made}\n`;
  return `${grid(rows, [])}\n${membersText(bond.members)}${aggregateText(bond)}\nRESEQUENCER\n${order}`;
}

function membersText(members: readonly MemberStatus[]): string {
  return members.length === 0 ? "  no members\n" : table(COLUMNS, members);
}

function dropsText(drops: StatusSnapshot["drops"]): string {
  const rows = Object.entries(drops).filter(([, count]) => count > 0);
  if (rows.length === 0) return "";
  return `DROPS\n${grid(
    rows.map(([reason, count]) => [reason, String(count)]),
    ["left", "right"],
  )}`;
}

function usableCount(bond: BondStatus): number {
  return bond.members.filter((member) => member.state === "up" || member.state === "standby").length;
}

function stateText(member: MemberStatus): string {
  return member.reason === null || member.state === "up" ? member.state : `${member.state} (${member.reason})`;
}
