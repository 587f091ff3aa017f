import { parsePrefix } from "@wanbond/shared/system";

export interface NatSettings {
  readonly tap: string;
  /** Masquerade IPv4. */
  readonly nat: boolean;
  /** Masquerade IPv6; without it the clients' prefixes have to be routed to this host. */
  readonly nat66: boolean;
  /** Whether packets of one client may be forwarded to another. */
  readonly clientToClient: boolean;
  /** Addresses and networks of all clients. */
  readonly sources: readonly string[];
}

/** The body of our nft table. */
export function natTableBody(settings: NatSettings): string {
  const { tap } = settings;
  const lines = [...sourceSet(4, settings.sources), ...sourceSet(6, settings.sources)];
  lines.push("chain postrouting {", "type nat hook postrouting priority srcnat; policy accept;");
  // Whatever it leaves by but the TAP itself. The sender has been checked by the session, the set is the second lock.
  if (settings.nat) lines.push(`iifname "${tap}" oifname != "${tap}" ip saddr @sources4 masquerade`);
  if (settings.nat66) lines.push(`iifname "${tap}" oifname != "${tap}" ip6 saddr @sources6 masquerade`);
  lines.push("}", "chain forward {", "type filter hook forward priority filter; policy accept;");
  if (!settings.clientToClient) lines.push(`iifname "${tap}" oifname "${tap}" drop`);
  // Between clients the way in is the way out: the kernel would advise them of a shorter one, which they do not have.
  lines.push("}", "chain output {", "type filter hook output priority filter; policy accept;");
  lines.push(`oifname "${tap}" icmp type redirect drop`, `oifname "${tap}" icmpv6 type nd-redirect drop`, "}");
  return lines.join("\n");
}

function sourceSet(family: 4 | 6, sources: readonly string[]): string[] {
  const own = [...new Set(sources)].filter((source) => parsePrefix(source).family === family).sort();
  const elements = own.length === 0 ? [] : [`elements = { ${own.join(", ")} }`];
  return [`set sources${family} {`, `type ipv${family}_addr; flags interval; auto-merge;`, ...elements, "}"];
}
