import * as z from "zod";
import type { EventLog } from "../control/index.ts";
import { EX_OSERR, EX_TEMPFAIL, WanbondError } from "../errors.ts";
import { native, type TapOffloads } from "../io/index.ts";
import { type Runner, readLinks } from "../system/index.ts";

export interface OpenTap {
  readonly fd: number;
  readonly offloads: TapOffloads;
  /** Six bytes; the kernel drew them. */
  readonly mac: Uint8Array;
}

const Links = z.array(z.object({ address: z.string().regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/) })).min(1);

/**
 * A bridge drops without a word what its narrowest port does not take, and those behind it believe in 1500 bytes. So the
 * TAP takes them, and what is too long for a member is cut by us.
 */
export const BRIDGED_TAP_MTU = 1500;

/** IPv6 takes its addresses away from a device below this (RFC 8200); larger packets than fit are fragmented by us. */
export const SMALLEST_TAP_MTU = 1280;

/** The far end of a routed bond, as the kernel sees it on the TAP. Locally administered; nobody else sees it. */
export const FAR_MAC = Uint8Array.of(0x02, 0x77, 0x62, 0, 0, 1);

/** Makes the TAP; it goes with its descriptor. @throws WanbondError when it cannot be made. */
export async function openTap(runner: Runner, name: string): Promise<OpenTap> {
  const { fd, offloads } = await open(runner, name);
  const links = Links.parse(JSON.parse(await runner.run("ip", ["-j", "link", "show", "dev", name])));
  return { fd, offloads, mac: Buffer.from(links[0]?.address.replaceAll(":", "") ?? "", "hex") };
}

async function open(runner: Runner, name: string): Promise<{ fd: number; offloads: TapOffloads }> {
  try {
    return native().tapOpen(name, { vnet: true });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "EBUSY") throw taken(name, "another program holds it");
    const isThere = (await readLinks(runner)).some((link) => link.name === name);
    if (code === "EINVAL" && isThere) throw taken(name, "is no TAP");
    throw new WanbondError("WB_TAP", EX_OSERR, `The TAP ${name} cannot be made: ${code}.`);
  }
}

function taken(name: string, why: string): WanbondError {
  const sentence = `The device ${name} is there already and ${why}. Choose another name with the key tap.`;
  return new WanbondError("WB_TAP_BUSY", EX_TEMPFAIL, sentence);
}

/** Says what a kernel without super-frames costs. */
export function warnOfSlowTap(log: EventLog, { offloads }: OpenTap): void {
  if (offloads.tso) return;
  log.warn({ event: "no-tap-offload" }, "the kernel hands over frames one by one: expect a quarter of the speed");
}
