import { startNetem } from "./emulator-netem.ts";
import type { LineEmulation, LineSettings } from "./emulator-settings.ts";
import { startTapEmulator } from "./emulator-tap.ts";
import { createNamespaces, type Namespace } from "./netns.ts";
import type { Topology } from "./topology.ts";

/**
 * Plugs a line between every ISP and the core: by netem where the kernel has it, else by our own emulator. That one takes all
 * of them where a line reorders, which one netem with a rate does not.
 */
export async function startLines(topology: Topology, lines: readonly LineSettings[]): Promise<LineEmulation> {
  if (lines.length !== topology.isps.length) {
    throw new RangeError(`${lines.length} lines for ${topology.isps.length} uplinks`);
  }
  const isForNetem = !needOwnEmulator(lines) && (await kernelHasNetem());
  return isForNetem ? startNetem(topology, lines) : startTapEmulator(topology, lines);
}

/** Whether netem cannot do what the lines are to do. */
export function needOwnEmulator(lines: readonly LineSettings[]): boolean {
  return lines.some(({ down, up }) => down.reorders || up.reorders);
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
