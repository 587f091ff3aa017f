import * as z from "zod";
import { isSeveral } from "./concentrator-tables.ts";
import { type CrossCheck, withoutEffect } from "./cross-checks.ts";
import { entriesAt, valueAt } from "./document.ts";
import { parseEndpoint } from "./endpoint.ts";
import type { RawFault } from "./fault.ts";
import * as fields from "./fields.ts";

/** Longer than a restart of the concentrator's program. */
const FAILOVER_AFTER_MS = 3_000;
/** Every connection breaks when the concentrator changes: the preferred one has to be worth that. */
const FAILOVER_RETURN_AFTER_MS = 60_000;
/** Longer than a restart of the concentrator and most outages of lines, shorter than people wait. */
const FALLBACK_AFTER_MS = 10_000;
const FALLBACK_RETURN_AFTER_MS = 10_000;
/** Public resolvers of three operators, and one for lines without IPv4. One of them answers where there is internet. */
const CHECK = ["1.1.1.1:53", "8.8.8.8:53", "9.9.9.9:53", "[2620:fe::fe]:53"];

/** Which concentrator is used, when there are several. */
export const Failover = z.strictObject({
  afterMs: fields.milliseconds(500, 600_000).default(FAILOVER_AFTER_MS),
  returnAfterMs: fields.milliseconds(1_000, 86_400_000).default(FAILOVER_RETURN_AFTER_MS),
});

/** What becomes of the LAN's traffic while no concentrator is reachable. */
export const Fallback = z.strictObject({
  /** undefined: where there is anything to fall back from. */
  direct: fields.flag.optional(),
  afterMs: fields.milliseconds(1_000, 3_600_000).default(FALLBACK_AFTER_MS),
  returnAfterMs: fields.milliseconds(1_000, 3_600_000).default(FALLBACK_RETURN_AFTER_MS),
  /** Asked over each uplink, whether it reaches the internet; empty: nobody is asked. */
  check: z
    .array(fields.addressEndpoint)
    .max(8)
    .prefault(() => [...CHECK]),
  killSwitch: fields.oneOf("off", "on", "lasting").default("off"),
});

export const FALLBACK_KEYS: readonly (readonly [string, readonly string[]])[] = [
  ["failover", Object.keys(Failover.shape)],
  ["fallback", Object.keys(Fallback.shape)],
];

const hasDefaultRoute = (raw: unknown): boolean =>
  valueAt(raw, ["client", "defaultRoute"]) === true && valueAt(raw, ["client", "mode"]) !== "bridged";
const switchOf = (raw: unknown): unknown => valueAt(raw, ["fallback", "killSwitch"]);
const isKilled = (raw: unknown): boolean => switchOf(raw) === "on" || switchOf(raw) === "lasting";
const goesDirect = (raw: unknown): boolean =>
  hasDefaultRoute(raw) && !isKilled(raw) && valueAt(raw, ["fallback", "direct"]) !== false;

const NEEDS_ROUTE = "Set defaultRoute = true in [client], or remove it.";
const NEEDS_DIRECT = "Remove it, or let direct be true.";
const withoutDirect = (key: string): CrossCheck =>
  withoutEffect(["fallback", key], (raw) => !goesDirect(raw), "while nothing goes out directly", NEEDS_DIRECT);
const withOne = (key: string): CrossCheck =>
  withoutEffect(["failover", key], (raw) => !isSeveral(raw), "with one concentrator", "Remove it.");

/** Rules about `[failover]` and `[fallback]`. */
export const FALLBACK_CHECKS: readonly CrossCheck[] = [
  withOne("afterMs"),
  withOne("returnAfterMs"),
  withoutDirect("afterMs"),
  withoutDirect("returnAfterMs"),
  withoutDirect("check"),
  withoutEffect(
    ["fallback", "direct"],
    (raw) => !hasDefaultRoute(raw),
    "without a default route into the bond",
    NEEDS_ROUTE,
  ),
  killSwitchHasRoute,
  killSwitchForbidsDirect,
  killSwitchNeedsAddresses,
];

function killSwitchHasRoute(raw: unknown): RawFault[] {
  if (!isKilled(raw) || hasDefaultRoute(raw)) return [];
  const problem = "has no effect without a default route into the bond";
  return [{ path: ["fallback", "killSwitch"], problem, remedy: NEEDS_ROUTE }];
}

function killSwitchForbidsDirect(raw: unknown): RawFault[] {
  if (!isKilled(raw) || valueAt(raw, ["fallback", "direct"]) !== true) return [];
  const remedy = 'Remove it, or set killSwitch = "off".';
  return [{ path: ["fallback", "direct"], problem: "is what the kill switch forbids", remedy }];
}

/** A name could be asked for outside the bond only. */
function killSwitchNeedsAddresses(raw: unknown): RawFault[] {
  if (!isKilled(raw)) return [];
  const remedy = "Write its address: behind the kill switch no resolver can be asked before the bond is up.";
  return [
    ...entriesAt(raw, ["concentrator", "endpoints", "*"]),
    ...entriesAt(raw, ["concentrator", "*", "endpoints", "*"]),
  ]
    .filter(({ text }) => parseEndpoint(text)?.family === null)
    .map(({ path }) => ({ path, problem: "is a name, beside a kill switch", remedy }));
}

/** The switches with what they are when the file says nothing. */
export function resolveFallback(
  fallback: z.infer<typeof Fallback>,
  client: { readonly mode: string; readonly defaultRoute: boolean },
): z.infer<typeof Fallback> & { readonly direct: boolean } {
  const isPossible = client.defaultRoute && client.mode === "routed" && fallback.killSwitch === "off";
  return { ...fallback, direct: fallback.direct ?? isPossible };
}
