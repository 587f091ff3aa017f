import * as z from "zod";

/** Version of the answer; it rises when a key is taken away or changes its meaning. */
const MEASURE_VERSION = 1;
/** For an uplink and direction; a train has a bound of its own (docs/wire-format.md). */
export const MAX_CAPACITY_BYTES = 200_000_000;

const measured = z.number().nullable();
const count = z.number().int().nonnegative();

/** What one direction of a line carries. */
const DirectionCapacity = z.object({
  /** Delivered; with `saturated` false only a lower bound: the bytes that may be used ended first. */
  kbps: z.number().nonnegative(),
  saturated: z.boolean(),
  /** Of the fullest train: lost of those sent, 0..1, and how much longer round trips took meanwhile. */
  lossRatio: z.number(),
  queueMs: measured,
  offeredKbps: z.number().nonnegative(),
  bytes: count,
});

/** One uplink as measured. Unknown is null. */
export const LineMeasurement = z.object({
  name: z.string(),
  device: z.string().nullable(),
  metered: z.boolean(),
  /** Why it cannot be measured at all, in one word; null: it can. */
  unusable: z.string().nullable(),
  /** Addresses with ports: of the socket, of the concentrator, and as the concentrator saw ours. */
  local: z.string().nullable(),
  remote: z.string().nullable(),
  seen: z.string().nullable(),
  gateway: z.string().nullable(),
  /** Whether the concentrator answered over it. */
  answers: z.boolean(),
  /** The bond's member on this uplink is in use: its far end answers to more than measurements. */
  memberUp: z.boolean(),
  /** Where nothing answered: how the gateway and the concentrator's host look from here. */
  otherwise: z
    .object({
      gateway: z.enum(["answers", "silent", "none"]),
      /** The concentrator's host by TCP: a port of it answered (or refused), or nothing came back. */
      tcp: z.enum(["answers", "silent"]),
      tcpPort: z.number().nullable(),
    })
    .nullable(),
  nat: z.object({ secondPort: z.number().nullable(), secondSeen: z.string().nullable() }).nullable(),
  /** How long a mapping lived without traffic: at least, and less than. */
  mapping: z.object({ atLeastMs: measured, belowMs: measured, triedMs: z.number() }).nullable(),
  /** Largest IP packets that came through; `exact` false: time ran out between two sizes. */
  mtu: z
    .object({ upBytes: measured, downBytes: measured, exact: z.boolean(), deviceBytes: measured, triedBytes: measured })
    .nullable(),
  roundTrips: z
    .object({
      sent: count,
      answered: count,
      minMs: measured,
      medianMs: measured,
      p95Ms: measured,
      /** RFC 5481, section 4.2: 95th percentile over the minimum. */
      pdvMs: measured,
    })
    .nullable(),
  capacity: z.object({ up: DirectionCapacity.nullable(), down: DirectionCapacity.nullable() }).nullable(),
  /** Names of uplinks whose round trips rose while this one was filled. */
  sharedWith: z.array(z.string()),
  /** Wall clock of the concentrator less ours, and how wrong that may be. */
  clockSkewMs: measured,
  clockErrorMs: measured,
  farVersion: z.string().nullable(),
});

/** What a client answers when it is asked to measure its uplinks. */
export const MeasureAnswer = z.object({
  version: z.literal(MEASURE_VERSION),
  /** A session with the concentrator stood, so that there was somebody to ask. */
  session: z.boolean(),
  lines: z.array(LineMeasurement),
});

/** What is to be measured. */
export interface MeasureOptions {
  /** Names of uplinks; empty: all. */
  readonly uplinks: readonly string[];
  /** For each uplink and direction; 0: capacity is not measured. */
  readonly capacityBytes: number;
}

export type LineMeasurement = z.infer<typeof LineMeasurement>;
export type DirectionCapacity = z.infer<typeof DirectionCapacity>;
export type MeasureAnswer = z.infer<typeof MeasureAnswer>;
