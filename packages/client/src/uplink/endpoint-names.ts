import { lookup } from "node:dns/promises";
import type { EventLog } from "@wanbond/shared/control";

/** One address that a name has. */
export interface NamedAddress {
  readonly address: string;
  readonly family: number;
}

/** Asks the system's resolver. @throws Error when the name has no address, or no resolver answers. */
export type Resolver = (name: string) => Promise<readonly NamedAddress[]>;

/** A name that could not be resolved is asked for again after this time. */
const RETRY_MS = 1_000;

interface Entry {
  addresses: readonly NamedAddress[];
  asking: boolean;
  failed: boolean;
  retry: NodeJS.Timeout | undefined;
}

/**
 * The addresses of the concentrator's DNS names, asked for in the background: a resolver may take half a minute to say
 * that it reaches nobody, which holds up nothing here. A name keeps its addresses until it has others.
 */
export class EndpointNames {
  readonly #log: EventLog;
  readonly #changed: () => void;
  readonly #resolve: Resolver;
  readonly #entries = new Map<string, Entry>();
  #stopped = false;

  /** @param changed a name has other addresses than before. */
  constructor(log: EventLog, changed: () => void, resolve: Resolver = (name) => lookup(name, { all: true })) {
    this.#log = log;
    this.#changed = changed;
    this.#resolve = resolve;
  }

  /** What is known now; asks anew, unless that is under way. */
  addressesOf(name: string): readonly NamedAddress[] {
    const entry = this.#entries.get(name) ?? { addresses: [], asking: false, failed: false, retry: undefined };
    this.#entries.set(name, entry);
    if (!entry.asking) void this.#ask(name, entry);
    return entry.addresses;
  }

  stop(): void {
    this.#stopped = true;
    for (const { retry } of this.#entries.values()) clearTimeout(retry);
  }

  async #ask(name: string, entry: Entry): Promise<void> {
    entry.asking = true;
    clearTimeout(entry.retry);
    try {
      const found = await this.#resolve(name);
      entry.failed = false;
      const isKnown = textOf(found) === textOf(entry.addresses);
      entry.addresses = found;
      if (!isKnown && !this.#stopped) this.#changed();
    } catch (error) {
      this.#onFailure(name, entry, error);
    } finally {
      entry.asking = false;
    }
  }

  #onFailure(name: string, entry: Entry, error: unknown): void {
    if (this.#stopped) return;
    if (!entry.failed) {
      const problem = error instanceof Error ? error.message : String(error);
      const known = entry.addresses.map(({ address }) => address);
      const sentence = "the concentrator's name has no address at present; asked for again and again";
      this.#log.warn({ event: "name-not-found", name, problem, known }, sentence);
    }
    entry.failed = true;
    if (entry.addresses.length > 0) return; // The next look at the uplinks asks anew.
    entry.retry = setTimeout(() => void this.#ask(name, entry), RETRY_MS);
  }
}

/** Resolvers give the addresses in turns. */
function textOf(addresses: readonly NamedAddress[]): string {
  return addresses
    .map(({ address }) => address)
    .sort()
    .join(" ");
}
