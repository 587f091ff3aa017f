import { startNetem } from "./emulator-netem.ts";
import type { LineEmulation, LineSettings } from "./emulator-settings.ts";
import { startTapEmulator } from "./emulator-tap.ts";
import { createNamespaces, type Namespace } from "./netns.ts";
import type { Topology } from "./topology.ts";

/** Plugs a line between every ISP and the core: by netem where the kernel has it, else by our own emulator. */
export async function startLines(topology: Topology, lines: readonly LineSettings[]): Promise<LineEmulation> {
  if (lines.length !== topology.isps.length) {
    throw new RangeError(`${lines.length} lines for ${topology.isps.length} uplinks`);
  }
  return (await kernelHasNetem()) ? startNetem(topology, lines) : startTapEmulator(topology, lines);
}

async function kernelHasNetem(): Promise<boolean> {
  const [probe] = await createNamespaces(["netem"]);
  if (probe === undefined) return false;
  try {
    await tryNetem(probe);
    return true;
  } catch {
    return false; // "Specified qdisc kind is unknown": the kernel was built without it, or the module is missing.
  } finally {
    probe.remove();
  }
}

async function tryNetem(probe: Namespace): Promise<void> {
  await probe.ip("link add probe type dummy");
  await probe.exec(["tc", "qdisc", "add", "dev", "probe", "root", "netem", "delay", "1ms"]);
}
