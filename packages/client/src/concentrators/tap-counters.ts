import { readFileSync } from "node:fs";

/** Rates are taken over at least this long. */
const SPAN_MS = 1_000;

/** The TAP counts super-frames of up to 64 KiB once: bytes tell of the packets in them. */
const PACKET_BYTES = 1_000;

/** How busy the tunnel is, by the kernel's counters of its TAP. */
export class TapCounters {
  readonly #tap: string;
  #readMs = Number.NaN;
  #rx = 0;
  #tx = 0;
  #packetsPerS = Number.NaN;

  constructor(tap: string) {
    this.#tap = tap;
  }

  /** Packets a second of the busier direction, over the last second or more; NaN until then. */
  packetsPerS(nowMs: number): number {
    if (nowMs - this.#readMs < SPAN_MS) return this.#packetsPerS;
    const [rx, tx] = [this.#packets("rx"), this.#packets("tx")];
    const spanS = (nowMs - this.#readMs) / 1000;
    this.#packetsPerS = Math.max(rx - this.#rx, tx - this.#tx) / spanS;
    this.#readMs = nowMs;
    this.#rx = rx;
    this.#tx = tx;
    return this.#packetsPerS;
  }

  #packets(direction: "rx" | "tx"): number {
    return Math.max(this.#read(`${direction}_packets`), this.#read(`${direction}_bytes`) / PACKET_BYTES);
  }

  #read(name: string): number {
    try {
      return Number(readFileSync(`/sys/class/net/${this.#tap}/statistics/${name}`, "utf8"));
    } catch {
      return Number.NaN; // no sysfs here: nothing is known, and nothing is taken for calm
    }
  }
}
