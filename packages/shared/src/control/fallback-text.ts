import type { FallbackStatus } from "./status.ts";
import { type Column, decimals, durationText, table } from "./table-text.ts";

type Uplink = FallbackStatus["uplinks"][number];

const COLUMNS: readonly Column<Uplink>[] = [
  { title: "UPLINK", align: "left", text: ({ name }) => name },
  {
    title: "INTERNET",
    align: "left",
    text: ({ answers }) => (answers === null ? "not asked" : answers ? "yes" : "no"),
  },
  { title: "RTT ms", align: "right", text: ({ rttMs }) => decimals(rttMs, 1) },
  { title: "PLR", align: "right", text: ({ plrRatio }) => decimals(plrRatio, 2) },
];

/** How the LAN's traffic goes, where that is not through the bond as always; empty where it is. */
export function fallbackText(fallback: FallbackStatus | null): string {
  if (fallback === null) return "";
  const { killSwitch, uplinks, way } = fallback;
  const guard =
    killSwitch === "off" ? "" : `KILL SWITCH ${killSwitch}: nothing of the LAN leaves but through the bond\n`;
  if (way === "bond") return guard;
  const asked = uplinks.some(({ answers }) => answers !== null) ? table(COLUMNS, uplinks) : "";
  return `${guard}${wayText(fallback)}${asked}`;
}

function wayText({ way, uplink, device, directMs, direct }: FallbackStatus): string {
  if (way === "direct") {
    const where = device === null ? `${uplink}, which is away` : `${uplink} (${device})`;
    return `DIRECT over ${where} for ${durationText(directMs ?? 0)}, outside the bond: no concentrator is reachable\n`;
  }
  return `NO CONCENTRATOR is reachable${direct ? ": direct fallback after a while" : ""}\n`;
}
