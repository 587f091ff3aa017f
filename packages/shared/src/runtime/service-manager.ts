import type { StatusSnapshot } from "../control/index.ts";
import { native } from "../io/index.ts";

/** A service manager gives up on a service that says nothing for WATCHDOG_USEC; three pings fit into it. */
const PINGS_PER_TIMEOUT = 3;
/** How often the line in `systemctl status` is renewed where nobody asks for pings. */
const STATUS_MS = 10_000;

/**
 * What a program tells the service manager that started it: that it is ready, that it still works, what it is at.
 * Without NOTIFY_SOCKET in the environment nobody wants to know, and nothing is sent.
 *
 * Source: sd_notify(3), sd_watchdog_enabled(3). A message that the manager does not take is lost, as there.
 */
export class ServiceManager {
  readonly #socket: string;
  readonly #watchdogMs: number | null;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    this.#socket = environment["NOTIFY_SOCKET"] ?? "";
    const limitUs = Number(environment["WATCHDOG_USEC"] ?? Number.NaN);
    const isForUs = Number(environment["WATCHDOG_PID"] ?? process.pid) === process.pid;
    this.#watchdogMs = limitUs > 0 && isForUs ? limitUs / 1000 : null;
  }

  /** How often care() is to be called; null: never, nobody listens. */
  get careMs(): number | null {
    if (this.#socket === "") return null;
    return this.#watchdogMs === null ? STATUS_MS : this.#watchdogMs / PINGS_PER_TIMEOUT;
  }

  ready(): void {
    this.#tell("READY=1");
  }

  stopping(): void {
    this.#tell("STOPPING=1\nSTATUS=Taking back every change.");
  }

  /**
   * One ping. @param read asks the forwarder's thread: a main thread that still turns while no packet moves any more is
   * not alive, so no answer is no ping, and the manager ends and restarts us.
   */
  async care(read: () => Promise<StatusSnapshot>): Promise<void> {
    try {
      this.#tell(`WATCHDOG=1\nSTATUS=${serviceStatus(await read())}`);
    } catch {
      // The forwarder does not answer: the silence says so.
    }
  }

  #tell(message: string): void {
    if (this.#socket !== "") native().unixSend(this.#socket, Buffer.from(message));
  }
}

/** A program in a few words, for one line. */
export function serviceStatus({ role, bonds }: StatusSnapshot): string {
  const connected = bonds.filter(({ state }) => state === "up");
  if (role === "concentrator") return `${connected.length} of ${bonds.length} clients connected.`;
  const members = bonds.flatMap((bond) => bond.members);
  const usable = members.filter(({ state }) => state === "up" || state === "standby");
  const uplinks = `${usable.length} of ${members.length} uplinks usable`;
  const names = usable.length === 0 ? "" : ` (${usable.map(({ name }) => name).join(", ")})`;
  return connected.length > 0 ? `Connected, ${uplinks}${names}.` : `Not connected, ${uplinks}${names}.`;
}
