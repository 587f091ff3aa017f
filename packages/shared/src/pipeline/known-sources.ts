import { ENDPOINT_WORDS, sameEndpoint } from "../wire/index.ts";

/** Sources of one peer that are remembered: thirty lines with eight sockets each, and some. */
const MAX_SOURCES = 256;

interface Source {
  readonly record: Int32Array;
  readonly token: number;
}

/**
 * The addresses from which a peer has asked, each with a number told to it alone. Who asks for more than an answer shows
 * the number: it receives what is sent to that address, so nobody can have a stranger flooded.
 */
export class KnownSources {
  readonly #draw: () => number;
  #sources: Source[] = [];

  /** @param draw an unpredictable u32. */
  constructor(draw: () => number) {
    this.#draw = draw;
  }

  tokenOf(endpoints: Int32Array, index: number): number {
    const known = this.#find(endpoints, index);
    if (known !== undefined) return known.token;
    if (this.#sources.length >= MAX_SOURCES) this.#sources = this.#sources.slice(MAX_SOURCES / 4);
    const record = endpoints.slice(index * ENDPOINT_WORDS, (index + 1) * ENDPOINT_WORDS);
    const source = { record, token: this.#draw() };
    this.#sources.push(source);
    return source.token;
  }

  knows(endpoints: Int32Array, index: number, token: number): boolean {
    return this.#find(endpoints, index)?.token === token;
  }

  #find(endpoints: Int32Array, index: number): Source | undefined {
    return this.#sources.find(({ record }) => sameEndpoint(record, 0, endpoints, index));
  }
}
