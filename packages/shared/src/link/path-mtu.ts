/** Sizes that real lines have: Ethernet, PPPoE, GRE, L2TP, 6in4, WireGuard, cellular, the IPv6 minimum, the IPv4 one. */
const USUAL_SIZES = [576, 1024, 1200, 1280, 1340, 1358, 1372, 1400, 1420, 1440, 1452, 1460, 1472, 1480, 1492, 1500];
/** RFC 8899 section 5.1.2: works nearly everywhere, so it is assumed before anything is known. */
const BASE_BYTES = 1200;
/** RFC 8899 section 5.1.2, MAX_PROBES. */
const MAX_PROBES = 3;
/** RFC 8899 section 5.1.1, PMTU_RAISE_TIMER. */
const RAISE_MS = 600_000;
/** A path that does not answer is looked at again after this. */
const SLEEP_MS = 200;
/** A suspicion is looked into at most this often. */
const SUSPECT_MS = 5000;
/** A probe is repeated after three RTTs within these limits. */
const MIN_TIMEOUT_MS = 200;
const MAX_TIMEOUT_MS = 3000;
const UNKNOWN_TIMEOUT_MS = 1000;
/** Probes whose answers still count. */
const PROBES = 16;

/** All sizes of this file are those of whole IP packets: what an interface's MTU limits. */
export interface PathMtuConfig {
  /** MTU of the uplink's interface, or less if no larger datagram is ever sent. */
  readonly maxBytes: number;
}

/**
 * searched: a search has ended. too-big: the kernel knows a smaller MTU. black-hole: packets of the size that worked are
 * lost while small ones arrive.
 */
export type PathMtuReason = "searched" | "too-big" | "black-hole";

export interface PathMtuSink {
  /** A datagram whose IP packet has exactly this size, with DF. Small loss is normal; a refusal is told to onTooBig. */
  sendMtuProbe(probeId: number, sizeBytes: number): void;
  /** Largest IP packet this path is to be given from now on. */
  plpmtuChanged(plpmtuBytes: number, reason: PathMtuReason): void;
}

/**
 * Path MTU of one path without ICMP.
 *
 * Source: RFC 8899 (DPLPMTUD). Differs from it in that the largest size is tried first (most lines have it), then the base,
 * then the usual sizes between by bisection; that the probe timer follows the RTT instead of 15 s; and that nothing is
 * probed, nor counted as lost, while the path does not answer small probes.
 */
export class PathMtuSearch {
  /** Used now; 1200 (or the interface's MTU, if smaller) before anything is known. */
  plpmtuBytes: number;
  readonly #sink: PathMtuSink;
  #maxBytes = 0;
  #sizes: readonly number[] = [];
  /** Indices into #sizes: the largest one that works, or is assumed to; the smallest one that does not. */
  #works = 0;
  #fails = 0;
  /** An answer, and not an assumption, stands behind #works. */
  #confirmed = false;
  /** The size being tried; -1 when nothing is. */
  #trying = -1;
  #probeCount = 0;
  #sentMs = Number.NaN;
  #timeoutMs = 0;
  #restartMs: number;
  #suspectedMs = Number.NEGATIVE_INFINITY;
  readonly #probeSizes = new Int32Array(PROBES);
  #nextId = 0;
  #settled = false;

  constructor(config: PathMtuConfig, sink: PathMtuSink, nowMs: number) {
    this.#sink = sink;
    this.plpmtuBytes = Math.min(BASE_BYTES, config.maxBytes);
    this.#restartMs = nowMs;
    this.#setMax(config.maxBytes);
  }

  /** A search has ended since the path was made or moved: plpmtuBytes is known and not assumed. */
  get settled(): boolean {
    return this.#settled;
  }

  get searching(): boolean {
    return this.#trying >= 0;
  }

  get nextDeadlineMs(): number {
    return this.searching ? this.#sentMs + this.#timeoutMs : this.#restartMs;
  }

  /**
   * @param rttMs smoothed RTT, NaN if unknown.
   * @param answering small probes of this path are being answered. Without that, losses say nothing about sizes.
   */
  onTimer(nowMs: number, rttMs: number, answering: boolean): void {
    if (nowMs < this.nextDeadlineMs) return;
    this.#timeoutMs = Number.isNaN(rttMs)
      ? UNKNOWN_TIMEOUT_MS
      : Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, 3 * rttMs));
    if (!answering) this.#sleep(nowMs);
    else if (!this.searching) this.#begin(nowMs);
    else if (this.#probeCount < MAX_PROBES) this.#probe(nowMs);
    else this.#refute(this.#trying, "black-hole", nowMs);
  }

  onMtuAck(probeId: number, sizeBytes: number, nowMs: number): void {
    const known = probeId >= Math.max(0, this.#nextId - PROBES) && probeId < this.#nextId;
    if (!known || this.#probeSizes[probeId % PROBES] !== sizeBytes) return;
    const index = this.#sizes.indexOf(sizeBytes);
    if (index < 0) return;
    this.#confirmed = this.#confirmed || index >= this.#works;
    this.#works = Math.max(this.#works, index);
    if (this.#fails <= index) this.#fails = index + 1; // The answer to a size already given up was merely late.
    if (!this.searching) this.#take(Math.max(this.plpmtuBytes, sizeBytes), "searched");
    else if (this.#works >= this.#trying) this.#next(nowMs);
  }

  /** The kernel refused a packet of this size (EMSGSIZE); no waiting for it, then. */
  onTooBig(sizeBytes: number, nowMs: number): void {
    const index = this.#sizes.findIndex((size) => size >= sizeBytes);
    if (index > 0 && index < this.#fails) this.#refute(index, "too-big", nowMs);
  }

  /** Loss was seen that large packets may have suffered: look whether the size in use still works. */
  suspect(nowMs: number): void {
    if (this.searching || nowMs - this.#suspectedMs < SUSPECT_MS) return;
    this.#suspectedMs = nowMs;
    this.#timeoutMs = Math.max(MIN_TIMEOUT_MS, this.#timeoutMs);
    this.#try(Math.max(0, this.#sizes.indexOf(this.plpmtuBytes)), nowMs);
  }

  /** The path changed (address, route, interface): search again from the base, which is assumed to work. */
  restart(maxBytes: number, nowMs: number): void {
    this.#setMax(maxBytes);
    this.#trying = -1;
    this.#settled = false;
    this.#restartMs = nowMs;
    this.#probeSizes.fill(0);
    this.#take(Math.min(BASE_BYTES, maxBytes), "searched");
  }

  #setMax(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#sizes = [...USUAL_SIZES.filter((size) => size < maxBytes), maxBytes];
    this.#works = this.#baseIndex();
    this.#fails = this.#sizes.length;
  }

  #baseIndex(): number {
    return this.#sizes.indexOf(Math.min(BASE_BYTES, this.#maxBytes));
  }

  /** A path that does not answer: asked again in a while, from the start of the step. */
  #sleep(nowMs: number): void {
    this.#trying = -1;
    this.#restartMs = nowMs + SLEEP_MS;
  }

  /** Searches above what is in use: the largest size first. */
  #begin(nowMs: number): void {
    this.#restartMs = nowMs + RAISE_MS;
    this.#confirmed = false;
    this.#works = Math.max(0, this.#sizes.indexOf(this.plpmtuBytes));
    this.#fails = this.#sizes.length;
    this.#try(this.#sizes.length - 1, nowMs);
  }

  #try(index: number, nowMs: number): void {
    this.#trying = index;
    this.#probeCount = 0;
    this.#probe(nowMs);
  }

  #probe(nowMs: number): void {
    const sizeBytes = this.#sizes[this.#trying] ?? BASE_BYTES;
    this.#probeCount++;
    this.#sentMs = nowMs;
    this.#probeSizes[this.#nextId % PROBES] = sizeBytes;
    this.#sink.sendMtuProbe(this.#nextId++, sizeBytes);
  }

  #refute(index: number, reason: PathMtuReason, nowMs: number): void {
    this.#fails = index;
    if (index <= this.#works || index <= this.#sizes.indexOf(this.plpmtuBytes)) {
      // What worked or was assumed to does not: fall back to the base, or to the bottom if it was the base.
      this.#works = index > this.#baseIndex() ? this.#baseIndex() : 0;
      this.#confirmed = false;
      this.#take(this.#sizes[this.#works] ?? BASE_BYTES, reason);
    }
    this.#next(nowMs);
  }

  #next(nowMs: number): void {
    if (!this.#confirmed && this.#works > 0) {
      this.#try(this.#works, nowMs);
      return;
    }
    if (this.#fails - this.#works > 1) {
      this.#try((this.#works + this.#fails) >> 1, nowMs);
      return;
    }
    this.#trying = -1;
    this.#settled = true;
    this.#restartMs = Math.max(this.#restartMs, nowMs + SLEEP_MS);
    this.#take(this.#sizes[this.#works] ?? BASE_BYTES, "searched");
  }

  #take(plpmtuBytes: number, reason: PathMtuReason): void {
    if (plpmtuBytes === this.plpmtuBytes) return;
    // Answers from before the path became narrower prove nothing any more.
    if (plpmtuBytes < this.plpmtuBytes) this.#probeSizes.fill(0);
    this.plpmtuBytes = plpmtuBytes;
    this.#sink.plpmtuChanged(plpmtuBytes, reason);
  }
}
