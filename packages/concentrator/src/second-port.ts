import type { ConcentratorConfig } from "@wanbond/shared/config";
import type { EventLog } from "@wanbond/shared/control";
import { type ForwarderThread, native } from "@wanbond/shared/io";

/** Longer than a doctor takes. */
const OPEN_FOR_MS = 120_000;
const SOCKET_BUFFER_BYTES = 1024 * 1024;

type Listen = ConcentratorConfig["concentrator"]["listen"][number];

/**
 * A second UDP port, open only while a client measures its lines: what a translator makes of another destination shows
 * there (RFC 5780, section 4.3). It is the next one if that is free, so that an operator can let it through a firewall.
 */
export class SecondPort {
  readonly #thread: ForwarderThread;
  readonly #log: EventLog;
  readonly #listen: readonly Listen[];
  #sockets: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(thread: ForwarderThread, log: EventLog, listen: readonly Listen[]) {
    this.#thread = thread;
    this.#log = log;
    this.#listen = listen;
  }

  /** A client wants it: it is open for two more minutes. */
  open(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), OPEN_FOR_MS);
    if (this.#sockets.length > 0) return;
    const [first] = this.#listen;
    if (first === undefined) return;
    const port = first.port < 65_535 ? first.port + 1 : first.port - 1;
    this.#sockets = this.#openAt(port) ?? this.#openAt(0) ?? [];
    const [socket] = this.#sockets;
    if (socket === undefined) return;
    for (const each of this.#sockets) this.#thread.send({ type: "add-socket", socket: each });
    const opened = native().localPort(socket);
    this.#thread.send({ type: "second-port", port: opened });
    this.#log.info({ event: "second-port", port: opened, openMs: OPEN_FOR_MS }, "a client measures its lines");
  }

  /** The forwarder closes the descriptors. */
  close(): void {
    clearTimeout(this.#timer);
    if (this.#sockets.length === 0) return;
    this.#thread.send({ type: "second-port", port: 0 });
    for (const socket of this.#sockets) this.#thread.send({ type: "remove-socket", socket });
    this.#sockets = [];
  }

  /** On the address that is listened on first of each family. @returns null when the port is taken. */
  #openAt(port: number): number[] | null {
    const opened: number[] = [];
    try {
      for (const { host, family } of this.#firstOfEachFamily()) {
        const chosen = opened[0] === undefined || port !== 0 ? port : native().localPort(opened[0]);
        const options = { family, address: host, port: chosen, gro: false, packetInfo: true } as const;
        opened.push(native().udpOpen({ ...options, bufferBytes: SOCKET_BUFFER_BYTES }).fd);
      }
      return opened;
    } catch {
      for (const socket of opened) native().close(socket); // Taken by somebody: another one will do.
      return null;
    }
  }

  #firstOfEachFamily(): { host: string; family: 4 | 6 }[] {
    return ([4, 6] as const).flatMap((family) => {
      const found = this.#listen.find((each) => (each.family === 6 ? 6 : 4) === family);
      return found === undefined ? [] : [{ host: found.host, family }];
    });
  }
}
