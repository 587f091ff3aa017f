import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "./program.ts";
import { ownSettings, PORT, writeKey } from "./programs.ts";
import { BRIDGE, type Home, SITE_ADDRESSES, type Sites } from "./sites.ts";
import { renderToml, type TomlTable } from "./toml.ts";
import { waitFor } from "./wait.ts";

/** One concentrator and one client for each home. */
export interface SitePrograms {
  readonly concentrator: Program;
  readonly clients: readonly Program[];
  /** All run, and every client is ready. */
  start(): Promise<void>;
  /** Writes the concentrator's file anew, for its next start. */
  configure(options: ConcentratorOptions): void;
  stop(): Promise<void>;
}

interface ConcentratorOptions {
  /** More keys of [concentrator]. */
  readonly concentrator?: TomlTable;
  /** Names of the clients it knows. Default: all. */
  readonly known?: readonly string[];
}

export interface SiteOptions extends ConcentratorOptions {
  readonly mode: "routed" | "bridged";
  /** [bonding] of the concentrator, which tells it to the clients. */
  readonly bonding?: TomlTable;
}

/** Writes keys and configurations; nothing runs before start(). */
export async function prepareSitePrograms(sites: Sites, options: SiteOptions): Promise<SitePrograms> {
  const folder = mkdtempSync(join(tmpdir(), `wanbond-sites-${process.pid}-`));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", removeFolder);
  const concentratorKey = await writeKey(folder, "concentrator");
  const concentrator = new Program("concentrator", sites.concentrator, folder);
  const own = ownSettings(folder, "concentrator");
  const publicKeys = new Map<string, string>();
  const clients: Program[] = [];
  for (const home of sites.homes) {
    const homeFolder = join(folder, home.name);
    mkdirSync(homeFolder);
    publicKeys.set(home.name, await writeKey(homeFolder, "client", home.name));
    const client = new Program("client", home.router, homeFolder);
    writeFileSync(client.configFile, renderToml(clientDocument(home, options.mode, homeFolder, concentratorKey)));
    clients.push(client);
  }

  function configure(changes: ConcentratorOptions): void {
    const document = concentratorDocument(sites.homes, { ...options, ...changes }, own, publicKeys);
    writeFileSync(concentrator.configFile, renderToml(document));
  }
  configure({});

  return {
    concentrator,
    clients,
    configure,
    async start() {
      const isReady = (client: Program) => client.events("ready").length > 0;
      await Promise.all([concentrator, ...clients].map((program) => program.start()));
      await waitFor(() => clients.every(isReady), { what: "both clients are ready", deadlineMs: 15_000 }).catch(
        (error: unknown) => {
          const transcripts = [concentrator, ...clients].map((program) => program.transcript());
          throw new Error([String(error), ...transcripts].join("\n"));
        },
      );
    },
    async stop() {
      await Promise.all([concentrator, ...clients].map((program) => program.stop()));
      removeFolder();
      process.off("exit", removeFolder);
    },
  };
}

function clientDocument(home: Home, mode: SiteOptions["mode"], folder: string, publicKey: string): TomlTable {
  const inside = mode === "routed" ? { defaultRoute: true, lan: [home.lanNetwork] } : { bridge: BRIDGE };
  return {
    client: { ...ownSettings(folder, "client"), mode, ...inside },
    concentrator: { publicKey, endpoints: [`${SITE_ADDRESSES.concentrator}:${PORT}`] },
    uplink: home.uplinks.map(({ device, gateway }) => ({ name: device, device, gateway })),
  };
}

function concentratorDocument(
  homes: readonly Home[],
  { mode, concentrator, known, bonding }: SiteOptions,
  own: TomlTable,
  publicKeys: ReadonlyMap<string, string>,
): TomlTable {
  const routed = mode === "routed";
  const inside = routed ? { address: [`${SITE_ADDRESSES.inner}/24`], nat: true } : { bridge: BRIDGE };
  return {
    concentrator: { listen: [`0.0.0.0:${PORT}`], ...own, mode, ...inside, ...concentrator },
    client: homes
      .filter(({ name }) => known?.includes(name) ?? true)
      .map(({ name, innerAddress, lanNetwork }) => ({
        name,
        publicKey: publicKeys.get(name),
        ...(routed && { address: [`${innerAddress}/32`], routes: [lanNetwork] }),
      })),
    ...(bonding && { bonding }),
  };
}
