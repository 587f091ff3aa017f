import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectVeth, createNamespaces, type Namespace } from "./netns.ts";
import { Program } from "./program.ts";
import { ownSettings, PORT, writeKey } from "./programs.ts";
import { renderToml, type TomlTable } from "./toml.ts";
import { ADDRESSES, type Topology } from "./topology.ts";

export const RESERVE = { address: "203.0.114.10", inner: "10.201.0.1", client: "10.201.0.2" } as const;

/**
 * A second concentrator beside that of a topology, known to the same client: core ── reserve, 203.0.114.10/24. Inside the
 * tunnel it has another network, 10.201.0.0/24.
 */
export interface Reserve {
  readonly concentrator: Program;
  /** The client's [[concentrator]] table for it. */
  readonly table: TomlTable;
  /** Ends the program and removes the namespace. */
  stop(): Promise<void>;
}

export async function addReserve(topology: Topology): Promise<Reserve> {
  const [namespace] = await createNamespaces(["reserve"]);
  if (namespace === undefined) throw new Error("unreachable: one namespace was asked for");
  await connect(topology, namespace);
  const folder = mkdtempSync(join(tmpdir(), `wanbond-reserve-${process.pid}-`));
  const [client, publicKey] = await Promise.all([
    writeKey(folder, "client"),
    writeKey(folder, "concentrator", "reserve"),
  ]);
  const concentrator = new Program("concentrator", namespace, folder);
  const document = {
    concentrator: {
      listen: [`0.0.0.0:${PORT}`],
      ...ownSettings(folder, "concentrator"),
      address: [`${RESERVE.inner}/24`],
      nat: true,
    },
    client: [{ name: "home1", publicKey: client, address: [`${RESERVE.client}/32`], routes: [ADDRESSES.lanNetwork] }],
  };
  writeFileSync(concentrator.configFile, renderToml(document));
  return {
    concentrator,
    table: { name: "reserve", publicKey, endpoints: [`${RESERVE.address}:${PORT}`] },
    async stop() {
      await concentrator.stop();
      namespace.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function connect({ core }: Topology, namespace: Namespace): Promise<void> {
  await connectVeth(core, "reserve", namespace, "eth0");
  await core.ip("addr add 203.0.114.1/24 dev reserve");
  await namespace.ip(`addr add ${RESERVE.address}/24 dev eth0`, "route add default via 203.0.114.1");
}
