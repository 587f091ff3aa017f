import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nativePath } from "../../packages/shared/src/io/index.ts";
import { INNER, type PairOptions, preparePair } from "../support/programs.ts";
import type { Stage } from "./stage.ts";
import type { RunningTunnel, Tunnel } from "./tunnel.ts";

/** The real programs, as a user starts them, with one setting changed. */
interface Variant {
  readonly name: string;
  readonly description: string;
  readonly policy: string;
  readonly links: number;
  readonly encryption?: "none";
  /** The client says that its processor has no AES instructions. */
  readonly withoutAes?: boolean;
}

const VARIANTS: readonly Variant[] = [
  { name: "wanbond", description: "balance-xor, one link, AES-256-GCM", policy: "balance-xor", links: 1 },
  {
    name: "wanbond-chacha",
    description: "balance-xor, one link, ChaCha20-Poly1305",
    policy: "balance-xor",
    links: 1,
    withoutAes: true,
  },
  {
    name: "wanbond-auth",
    description: "balance-xor, one link, authenticated only",
    policy: "balance-xor",
    links: 1,
    encryption: "none",
  },
  { name: "wanbond-xor4", description: "balance-xor, four links, AES-256-GCM", policy: "balance-xor", links: 4 },
  { name: "wanbond-rr4", description: "balance-rr, four links, AES-256-GCM", policy: "balance-rr", links: 4 },
  { name: "wanbond-agg1", description: "aggregate, one link, AES-256-GCM", policy: "aggregate", links: 1 },
  { name: "wanbond-agg4", description: "aggregate, four links, AES-256-GCM", policy: "aggregate", links: 4 },
];

export const WANBOND: readonly Tunnel[] = VARIANTS.map((variant) => ({
  name: variant.name,
  description: variant.description,
  programs: [],
  start: (stage: Stage) => start(stage, variant),
}));

async function start(stage: Stage, variant: Variant): Promise<RunningTunnel> {
  const folder = mkdtempSync(join(tmpdir(), `wanbond-bench-${process.pid}-`));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", removeFolder);
  const pair = await preparePair(stage.topology, pairOptions(variant, folder));
  const stop = async () => {
    await pair.stop();
    removeFolder();
    process.off("exit", removeFolder);
  };
  try {
    await pair.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const processes = { client: pair.client.pid ?? 0, concentrator: pair.concentrator.pid ?? 0 };
  return { address: INNER.concentrator, processes, stop };
}

function pairOptions({ policy, links, encryption, withoutAes }: Variant, folder: string): PairOptions {
  const none = encryption === undefined ? {} : { encryption };
  return {
    bonding: { defaultBondingPolicy: policy },
    uplinks: Array.from({ length: links }, (_, index) => index),
    client: { defaultRoute: false, lan: undefined, ...none },
    concentrator: { nat: false },
    peer: { routes: undefined, ...none },
    ...(withoutAes && { clientPrefix: ["env", `WANBOND_NATIVE=${addonWithoutAes(folder)}`] }),
  };
}

/** The addon, but for one answer. */
function addonWithoutAes(folder: string): string {
  const file = join(folder, "without-aes.cjs");
  const addon = JSON.stringify(nativePath());
  writeFileSync(file, `module.exports = { ...require(${addon}), hasAesInstructions: () => false };\n`);
  return file;
}
