import type { Program } from "../support/program.ts";
import { sleep } from "../support/wait.ts";
import type { BondStage } from "./stage.ts";

/** The line over which an otherwise idle bond carries a call, by what it moved within a second. */
export async function lineOfCall({ pair, topology }: BondStage): Promise<{ name: string; index: number }> {
  const before = await movedBytes(pair.client);
  await sleep(1000);
  const after = await movedBytes(pair.client);
  const moved = [...after].map(([name, bytes]) => ({ name, bytes: bytes - (before.get(name) ?? 0) }));
  moved.sort((a, b) => b.bytes - a.bytes);
  const name = moved[0]?.name ?? "";
  return { name, index: topology.uplinks.findIndex((uplink) => uplink.name === name) };
}

async function movedBytes(client: Program): Promise<Map<string, number>> {
  const members = (await client.status()).bonds[0]?.members ?? [];
  return new Map(members.map((member) => [member.name, member.txBytes + member.rxBytes]));
}
