import type { ClientConfig } from "@wanbond/shared/config";

/** What the configuration says of an uplink; the defaults for one that was found by itself. */
export function uplinkSettings(
  { uplinks }: Pick<ClientConfig, "uplinks">,
  name: string,
): { readonly metered: boolean; readonly mtu: number | "auto" } {
  const uplink = uplinks === "auto" ? undefined : uplinks.find((each) => each.name === name);
  return { metered: uplink?.metered ?? false, mtu: uplink?.mtu ?? "auto" };
}
