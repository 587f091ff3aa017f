/** What a new concentrator's file says. */
export interface InitSettings {
  readonly listen: readonly string[];
  readonly endpoints: readonly string[];
  readonly keyFile: string;
  readonly tap: string;
  readonly address: readonly string[];
  /** Wall clock, as text. */
  readonly written: string;
}

/** The file, with a word for those who change it. All values have been checked: none needs escaping. */
export function concentratorDocument({ listen, endpoints, keyFile, tap, address, written }: InitSettings): string {
  const hasIpv6 = address.some((text) => text.includes(":"));
  return [
    `# Written by wanbond concentrator init on ${written}. It is yours: wanbond does not change it.`,
    "# docs/configuration.md explains every key; wanbond check --config FILE judges it.",
    "[concentrator]",
    `listen = ${list(listen)}`,
    `endpoints = ${list(endpoints)}          # where clients reach this host: what invites say`,
    `privateKeyFile = ${JSON.stringify(keyFile)}`,
    `tap = ${JSON.stringify(tap)}`,
    `address = ${list(address)}                # of the tunnel; clients get theirs from these networks`,
    "nat = true                                  # what clients send to the internet leaves with this host's address",
    ...(hasIpv6 ? ["nat66 = true"] : []),
    "",
    "# Clients join by invites: wanbond concentrator invite NAME. A [[client]] table can be written by hand, too.",
    "",
  ].join("\n");
}

function list(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}
