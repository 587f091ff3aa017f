import { DESCRIPTOR_WORDS, OFFSET, POOL_BYTES, SLOT_BYTES } from "../../packages/shared/src/pipeline/index.ts";
import { ENDPOINT_WORDS, TYPE_DATA } from "../../packages/shared/src/wire/index.ts";
import { CostPorts } from "./cost-ports.ts";
import type { LoopCost } from "./cost-result.ts";
import { tcpFrameHeaders } from "./frames.ts";

const TAP = 1;
const SOCKET = 1;
const PACKET_BYTES = 1432;
const TO_SEALED = 1024 * SLOT_BYTES;

/** What the ports themselves cost in a CostLoop: the same calls, with nothing between them. */
export class EmptyLoop {
  readonly #near = new CostPorts([tcpFrameHeaders(0, PACKET_BYTES)], PACKET_BYTES + 14);
  readonly #far = new CostPorts([tcpFrameHeaders(0, PACKET_BYTES)], PACKET_BYTES + 14);
  readonly #plain = descriptors(2);
  readonly #sealed = descriptors(TO_SEALED);
  readonly #received = descriptors(0);
  readonly #opened = descriptors(2);
  readonly #selection = Int32Array.from({ length: 256 }, (_, index) => index);
  readonly #endpoints = new Int32Array(32 * ENDPOINT_WORDS);

  constructor() {
    this.#near.far = this.#far;
    this.#near.connect(SOCKET, SOCKET, new Int32Array(ENDPOINT_WORDS));
    for (let at = TO_SEALED; at < POOL_BYTES; at += SLOT_BYTES) this.#near.pool[at] = TYPE_DATA;
  }

  run(frameCount: number, batch: number): LoopCost {
    let egressMs = 0;
    let ingressMs = 0;
    for (let sent = 0; sent < frameCount; sent += batch) {
      const startMs = performance.now();
      this.#send(batch);
      const middleMs = performance.now();
      this.#receive(batch);
      egressMs += middleMs - startMs;
      ingressMs += performance.now() - middleMs;
    }
    return { egressNs: (egressMs * 1e6) / frameCount, ingressNs: (ingressMs * 1e6) / frameCount };
  }

  #send(batch: number): void {
    this.#near.offeredFrames = batch;
    this.#near.tapRead(TAP, this.#plain, batch);
    this.#near.seal(this.#plain, this.#sealed, batch);
    this.#near.udpWrite(SOCKET, this.#endpoints, 0, this.#sealed, this.#selection, batch);
  }

  #receive(batch: number): void {
    const count = this.#far.udpRead(SOCKET, 0, this.#received, batch, this.#endpoints);
    this.#far.open(this.#received, this.#opened, count);
    this.#far.tapWrite(TAP, this.#opened, this.#selection, count);
  }
}

/** @param first offset of the first; the others follow, a slot each. */
function descriptors(first: number): Int32Array {
  const made = new Int32Array(256 * DESCRIPTOR_WORDS);
  for (let i = 0; i < 256; i++) made[i * DESCRIPTOR_WORDS + OFFSET] = first + i * SLOT_BYTES;
  return made;
}
