import type { ConcentratorConfig } from "@wanbond/shared/config";
import { EX_OSERR, EX_TEMPFAIL, WanbondError } from "@wanbond/shared/errors";
import { native } from "@wanbond/shared/io";

/** All clients come in by these sockets: room for half a second of 250 Mbit/s. */
const SOCKET_BUFFER_BYTES = 16 * 1024 * 1024;

type Listen = ConcentratorConfig["concentrator"]["listen"][number];

/** Opens one socket per listen address. @returns their descriptors. @throws WanbondError when one cannot be opened. */
export function openListeners(addresses: readonly Listen[]): number[] {
  const opened: number[] = [];
  try {
    for (const address of addresses) opened.push(openListener(address));
  } catch (error) {
    for (const socket of opened) native().close(socket);
    throw error;
  }
  return opened;
}

function openListener({ host, port, family }: Listen): number {
  try {
    const options = { family: family === 6 ? 6 : 4, address: host, port, gro: true, packetInfo: true } as const;
    return native().udpOpen({ ...options, bufferBytes: SOCKET_BUFFER_BYTES }).fd;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw listenError(`${family === 6 ? `[${host}]` : host}:${port}`, code);
  }
}

function listenError(address: string, code: string): WanbondError {
  if (code === "EADDRINUSE") {
    const sentence = `Another program listens on UDP ${address}. Stop it (ss -lunp shows it), or change the key listen.`;
    return new WanbondError("WB_LISTEN_BUSY", EX_TEMPFAIL, sentence);
  }
  if (code === "EADDRNOTAVAIL") {
    const sentence = `This host has no address for ${address}. Change the key listen; 0.0.0.0 takes all addresses.`;
    return new WanbondError("WB_LISTEN_ADDRESS", EX_OSERR, sentence);
  }
  return new WanbondError("WB_LISTEN", EX_OSERR, `UDP ${address} cannot be listened on: ${code}.`);
}
