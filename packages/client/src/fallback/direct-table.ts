import { addressSet, NEVER_FAR, quoted } from "./nft-text.ts";

export interface DirectTableSettings {
  readonly tap: string;
  /** Of all uplinks, whichever is used: what comes in there is not the LAN's. At least one. */
  readonly uplinkDevices: readonly string[];
  /** Networks of the LAN. */
  readonly lan: readonly string[];
  /** Addresses of the TAP: sockets of the router's own programs may still bear them. */
  readonly inner: readonly string[];
  /** Networks that are not the internet: those of this host's devices. */
  readonly near: readonly string[];
  /** Any number of 16 bits that is ours. */
  readonly zone: number;
}

/**
 * The body of our nft table while the LAN uses an uplink directly.
 *
 * The kernel decides on a translation at the first packet of a connection. Those that went through the bond were not
 * translated, and as long as something is sent on them (a VPN's keepalive is enough) they never would be. So what leaves
 * now is tracked in a zone of its own, where every connection is new: TCP gets its reset from the far end and connects
 * anew, UDP goes on. Answers are looked up in the common zone, where a rule "established" finds them. For the same reason
 * the table comes after the route that leads out, and goes before it: in the zone there is nothing untranslated.
 */
export function directTableBody(settings: DirectTableSettings): string {
  const { tap, uplinkDevices, zone } = settings;
  const near = [...settings.near, ...settings.lan, ...settings.inner, ...NEVER_FAR];
  const uplinks = quoted(uplinkDevices);
  const others = quoted([tap, "lo", ...uplinkDevices]);
  const intoZone = `ct original zone set ${zone}`;
  return [
    ...([4, 6] as const).flatMap((family) => [
      ...addressSet(`near${family}`, family, near),
      ...addressSet(`lan${family}`, family, settings.lan),
      ...addressSet(`inner${family}`, family, settings.inner),
    ]),
    "chain prerouting {",
    "type filter hook prerouting priority raw; policy accept;",
    `iifname != { ${others} } ip daddr != @near4 ${intoZone}`,
    `iifname != { ${others} } ip6 daddr != @near6 ${intoZone}`,
    // A router with one device has LAN and uplinks on the same wire.
    `ip saddr @lan4 ip daddr != @near4 ${intoZone}`,
    `ip6 saddr @lan6 ip6 daddr != @near6 ${intoZone}`,
    "}",
    "chain output {",
    "type filter hook output priority raw; policy accept;",
    `ip saddr @inner4 ip daddr != @near4 ${intoZone}`,
    `ip6 saddr @inner6 ip6 daddr != @near6 ${intoZone}`,
    "}",
    "chain forward {",
    "type filter hook forward priority filter; policy accept;",
    // What cannot be tracked cannot be translated: it would leave with an address of the LAN.
    `iifname != { ${others} } oifname { ${uplinks} } ct state invalid drop`,
    `oifname { ${uplinks} } ct original zone ${zone} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`,
    "}",
    "chain postrouting {",
    "type nat hook postrouting priority srcnat; policy accept;",
    `oifname { ${uplinks} } ct original zone ${zone} masquerade`,
    "}",
  ].join("\n");
}

/**
 * The body of our nft table when the LAN is back in the bond.
 *
 * The kernel goes on translating the connections that it knows only while somebody has a chain of type nat. Without one the
 * answers to the direct connections would end in the router itself, which would reset the far end, and a program of the
 * LAN that only listens would never hear of it. With it they arrive, their acknowledgements go through the bond, and the
 * reset comes back to the program.
 */
export const FORMER_DIRECT_TABLE_BODY = [
  "chain postrouting {",
  "type nat hook postrouting priority srcnat; policy accept;",
  "}",
].join("\n");
