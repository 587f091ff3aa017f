import type { Random } from "../../packages/shared/src/units.ts";
import { TYPE_INITIATION } from "../../packages/shared/src/wire/index.ts";
import { randomInteger, seededRandom } from "./random.ts";

/** Random bytes, and bytes that were once true. */
export class Forger {
  readonly #random: Random;
  readonly #captured: readonly Uint8Array[];
  readonly #noise: Uint8Array;
  /** What was made, by kind. */
  readonly made = new Map<string, number>();
  readonly #kinds: readonly [string, () => Uint8Array][] = [
    ["noise", () => this.#noiseBytes(randomInteger(this.#random, 200))],
    ["typed noise", () => this.#typedNoise()],
    ["changed", () => this.#changed(this.#true())],
    ["cut", () => this.#cut()],
    ["lengthened", () => Uint8Array.from([...this.#sessionDatagram(), ...this.#noiseBytes(9)])],
    ["replayed", () => this.#sessionDatagram()],
    ["another session", () => this.#with((bytes) => bytes.set(this.#noiseBytes(4), 4))],
    ["a neighbour's session", () => this.#neighbours()],
    [
      "another path",
      () => this.#with((bytes) => bytes.set([((bytes[1] ?? 0) + 1 + randomInteger(this.#random, 200)) & 255], 1)),
    ],
    ["another counter", () => this.#with((bytes) => bytes.set(this.#noiseBytes(4), 8))],
  ];

  constructor(seed: number, captured: readonly Uint8Array[]) {
    this.#random = seededRandom(seed);
    this.#captured = captured;
    this.#noise = Uint8Array.from({ length: 65_536 }, () => randomInteger(this.#random, 256));
  }

  next(): Uint8Array {
    const [kind, make] = this.#kinds[randomInteger(this.#random, this.#kinds.length)] ?? [
      "none",
      () => new Uint8Array(0),
    ];
    this.made.set(kind, (this.made.get(kind) ?? 0) + 1);
    return make();
  }

  #true(): Uint8Array {
    return this.#captured[randomInteger(this.#random, this.#captured.length)] ?? new Uint8Array(0);
  }

  /** Initiations as they were are sent apart, as an answer may be owed to them. */
  #sessionDatagram(): Uint8Array {
    for (;;) {
      const bytes = this.#true();
      if (bytes[0] !== TYPE_INITIATION) return bytes;
    }
  }

  #noiseBytes(length: number): Uint8Array {
    const at = randomInteger(this.#random, this.#noise.length - length);
    return this.#noise.subarray(at, at + length);
  }

  #typedNoise(): Uint8Array {
    const bytes = this.#noiseBytes(40 + randomInteger(this.#random, 200)).slice();
    bytes[0] = 1 + randomInteger(this.#random, 5);
    bytes.fill(0, 1, 4);
    return bytes;
  }

  /** One to three bytes, none of them in mac2, which nobody looks at without load. */
  #changed(original: Uint8Array): Uint8Array {
    const bytes = original.slice();
    const length = bytes[0] === TYPE_INITIATION ? 144 : bytes.length;
    for (let i = randomInteger(this.#random, 3); i >= 0; i--) {
      const at = (randomInteger(this.#random, length) + i) % length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 + i);
    }
    return bytes;
  }

  #cut(): Uint8Array {
    const bytes = this.#true();
    return bytes.subarray(0, randomInteger(this.#random, bytes.length));
  }

  #with(change: (bytes: Uint8Array) => void): Uint8Array {
    const bytes = this.#sessionDatagram().slice();
    change(bytes);
    return bytes;
  }

  #neighbours(): Uint8Array {
    return this.#with((bytes) => {
      for (;;) {
        const other = this.#sessionDatagram();
        if (Buffer.compare(other.subarray(4, 8), bytes.subarray(4, 8)) === 0) continue;
        bytes.set(other.subarray(4, 8), 4);
        return;
      }
    });
  }
}
