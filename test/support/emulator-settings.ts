/** One direction of a line. */
export interface DirectionSettings {
  /** Of IP packets, their headers included. */
  readonly rateKbps: number;
  /** Of the buffer before the line; what does not fit is dropped. */
  readonly queueBytes: number;
  /** One way. */
  readonly delayMs: number;
  /** Standard deviation of the delay, normally distributed. */
  readonly pdvMs: number;
  /** Frames overtake each other by their PDV; otherwise they keep their order. Our own emulator only. */
  readonly reorders: boolean;
  readonly lossRatio: number;
}

export interface LineSettings {
  readonly down: DirectionSettings;
  readonly up: DirectionSettings;
}

/** What may be changed on a living line; the rest stays. */
export interface LineChanges {
  readonly down?: Partial<DirectionSettings>;
  readonly up?: Partial<DirectionSettings>;
  /** A black hole in both directions; the carrier stays. */
  readonly cut?: boolean;
  /** Added to the delay of both directions: a congested cell. */
  readonly extraDelayMs?: number;
  /** Larger IP packets vanish without an ICMP message. */
  readonly mtuBytes?: number;
}

/** The emulated lines of a topology, numbered from 0. All may be changed while they carry traffic. */
export interface LineEmulation {
  readonly kind: "netem" | "emulator";
  /** Resolves when the change is in force. */
  set(line: number, changes: LineChanges): Promise<void>;
  stop(): Promise<void>;
}

/** The state of one line after all changes so far. */
export interface LineState extends LineSettings {
  readonly cut: boolean;
  readonly extraDelayMs: number;
  readonly mtuBytes: number;
}

export function initialState(settings: LineSettings): LineState {
  return { ...settings, cut: false, extraDelayMs: 0, mtuBytes: 1500 };
}

export function applyChanges(state: LineState, changes: LineChanges): LineState {
  return { ...state, ...changes, down: { ...state.down, ...changes.down }, up: { ...state.up, ...changes.up } };
}

/** What a line may have beside rate and delay. */
export interface LineTraits {
  readonly pdvMs?: number;
  readonly lossRatio?: number;
  readonly reorders?: boolean;
  readonly queueMs?: number;
  readonly queueBytes?: number;
}

/** A line that is alike in both directions but for the rate; the queue takes 50 ms, at least 64 kB, unless given. */
export function line(downKbps: number, upKbps: number, delayMs: number, rest: LineTraits = {}): LineSettings {
  const { pdvMs = 0, lossRatio = 0, reorders = false, queueMs, queueBytes } = rest;
  const direction = (rateKbps: number) => ({
    rateKbps,
    queueBytes: queueBytes ?? queueSize(rateKbps, queueMs),
    delayMs,
    pdvMs,
    reorders,
    lossRatio,
  });
  return { down: direction(downKbps), up: direction(upKbps) };
}

function queueSize(rateKbps: number, queueMs: number | undefined): number {
  return queueMs === undefined ? Math.max(65_536, (rateKbps * 50) / 8) : (rateKbps * queueMs) / 8;
}
