import type { DropCounters } from "./drops.ts";
import type { PacketPool } from "./packet-pool.ts";
import type { PacketPorts } from "./ports.ts";

const TAP_WRITE_BATCH = 1024;

/** Frames on their way into the TAP; their slots go back to the pool when they are written. */
export class TapWriter {
  readonly #ports: PacketPorts;
  readonly #pool: PacketPool;
  readonly #tap: number;
  readonly #drops: DropCounters;
  readonly #slots = new Int32Array(TAP_WRITE_BATCH);
  #count = 0;

  constructor(ports: PacketPorts, pool: PacketPool, tap: number, drops: DropCounters) {
    this.#ports = ports;
    this.#pool = pool;
    this.#tap = tap;
    this.#drops = drops;
  }

  /** Takes over a slot whose descriptor describes a frame. @returns true always: the slot has a new holder. */
  push(slot: number): true {
    if (this.#count === TAP_WRITE_BATCH) this.flush();
    this.#slots[this.#count++] = slot;
    return true;
  }

  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    const written = Math.max(0, this.#ports.tapWrite(this.#tap, this.#pool.descriptors, this.#slots, count));
    this.#drops["tap-full"] += count - written;
    for (let i = 0; i < count; i++) this.#pool.give(this.#slots[i] ?? 0);
    this.#count = 0;
  }
}
