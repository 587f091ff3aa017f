/** What a client's file says after a join. */
export interface JoinedSettings {
  readonly name: string;
  readonly keyFile: string;
  readonly tap: string;
  readonly mode: "routed" | "bridged";
  readonly lan: readonly string[];
  readonly concentratorKey: string;
  readonly endpoints: readonly string[];
  /** Wall clock, as text. */
  readonly joined: string;
}

/** The file, with a word for those who change it. All values have been checked: none needs escaping. */
export function clientDocument(settings: JoinedSettings): string {
  const { name, keyFile, tap, mode, lan, concentratorKey, endpoints, joined } = settings;
  const inside =
    mode === "routed"
      ? ["defaultRoute = true                 # what has no better route goes through the bond", `lan = ${list(lan)}`]
      : ['mode = "bridged"', '# bridge = "br0"                   # the Linux bridge that takes the TAP as a port'];
  return [
    `# Written by wanbond client join on ${joined}, as the client ${name}. It is yours: wanbond does not change it.`,
    "# docs/configuration.md explains every key; wanbond check --config FILE judges it.",
    "",
    "# Every device with a default route, under its own name. An [[uplink]] table gives one a name, or says it is metered.",
    'uplinks = "auto"',
    "",
    "[client]",
    `privateKeyFile = ${JSON.stringify(keyFile)}`,
    `tap = ${JSON.stringify(tap)}`,
    ...inside,
    "",
    "[concentrator]",
    `publicKey = "${concentratorKey}"`,
    `endpoints = ${list(endpoints)}`,
    "",
  ].join("\n");
}

function list(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(", ")}]`;
}
