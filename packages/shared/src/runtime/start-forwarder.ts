import { ForwarderThread, type ForwarderThreadData } from "../io/index.ts";
import type { ForwarderEvent } from "../pipeline/index.ts";
import type { ProgramContext } from "./program.ts";
import { FAR_MAC, type OpenTap } from "./tap.ts";

/** Starts the packet loop on a TAP; when it ends by itself, so does the program. */
export function startForwarder(
  context: ProgramContext,
  tap: OpenTap,
  options: Pick<ForwarderThreadData["options"], "role" | "mode" | "clientToClient">,
  onEvent: (event: ForwarderEvent) => void,
): ForwarderThread {
  const place = { tap: tap.fd, tapMac: tap.mac, farMac: FAR_MAC };
  return new ForwarderThread({ ...options, ...place }, onEvent, (error) => context.fail(error));
}
