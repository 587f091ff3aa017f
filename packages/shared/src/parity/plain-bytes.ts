/** The same memory in several widths: a plaintext is taken in as few steps as its place allows. */
export class PlainBytes {
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Int32Array;

  /** @param bytes a multiple of four, from a multiple of four on. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  }
}

/** Both places are even. */
export function copyPlain(from: PlainBytes, fromAt: number, to: PlainBytes, toAt: number, count: number): void {
  const whole = count & ~3;
  if (((fromAt | toAt) & 3) === 0) copyWords(from.words, fromAt >> 2, to.words, toAt >> 2, whole >> 2);
  else copyHalves(from.halves, fromAt >> 1, to.halves, toAt >> 1, whole >> 1);
  for (let i = whole; i < count; i++) to.bytes[toAt + i] = from.bytes[fromAt + i] ?? 0;
}

/** The exclusive or of both is in `to` afterwards. Both places are even. */
export function addPlain(from: PlainBytes, fromAt: number, to: PlainBytes, toAt: number, count: number): void {
  const whole = count & ~3;
  if (((fromAt | toAt) & 3) === 0) addWords(from.words, fromAt >> 2, to.words, toAt >> 2, whole >> 2);
  else addHalves(from.halves, fromAt >> 1, to.halves, toAt >> 1, whole >> 1);
  for (let i = whole; i < count; i++) {
    to.bytes[toAt + i] = (to.bytes[toAt + i] ?? 0) ^ (from.bytes[fromAt + i] ?? 0);
  }
}

// Four words at a time: once in a round the engine looks up where both arrays lie and how long they are. Words and halves
// apart: a loop that has seen both is slow with either.

function copyWords(from: Int32Array, fromAt: number, to: Int32Array, toAt: number, count: number): void {
  const end = toAt + count;
  let source = fromAt;
  let target = toAt;
  for (; target < end - 3; source += 4, target += 4) {
    to[target] = from[source] ?? 0;
    to[target + 1] = from[source + 1] ?? 0;
    to[target + 2] = from[source + 2] ?? 0;
    to[target + 3] = from[source + 3] ?? 0;
  }
  for (; target < end; source++, target++) to[target] = from[source] ?? 0;
}

function addWords(from: Int32Array, fromAt: number, to: Int32Array, toAt: number, count: number): void {
  const end = toAt + count;
  let source = fromAt;
  let target = toAt;
  for (; target < end - 3; source += 4, target += 4) {
    to[target] = (to[target] ?? 0) ^ (from[source] ?? 0);
    to[target + 1] = (to[target + 1] ?? 0) ^ (from[source + 1] ?? 0);
    to[target + 2] = (to[target + 2] ?? 0) ^ (from[source + 2] ?? 0);
    to[target + 3] = (to[target + 3] ?? 0) ^ (from[source + 3] ?? 0);
  }
  for (; target < end; source++, target++) to[target] = (to[target] ?? 0) ^ (from[source] ?? 0);
}

function copyHalves(from: Uint16Array, fromAt: number, to: Uint16Array, toAt: number, count: number): void {
  for (let i = 0; i < count; i++) to[toAt + i] = from[fromAt + i] ?? 0;
}

function addHalves(from: Uint16Array, fromAt: number, to: Uint16Array, toAt: number, count: number): void {
  for (let i = 0; i < count; i++) to[toAt + i] = (to[toAt + i] ?? 0) ^ (from[fromAt + i] ?? 0);
}
