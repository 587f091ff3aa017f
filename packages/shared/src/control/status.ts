import * as z from "zod";
import { AggregateBond, AggregateMember } from "./aggregate-status.ts";

/** Version of the snapshot; it rises when a key is taken away or changes its meaning. */
const STATUS_VERSION = 1;

const measured = z.number().nullable();
const count = z.number().int().nonnegative();

/** One member of a bond: a path with its quality. Unknown is null. */
export const Member = z.object({
  name: z.string(),
  /** Number of the path, the same at both ends. */
  path: count,
  device: z.string().nullable(),
  /** Addresses of the UDP 5-tuple with their ports. */
  local: z.string().nullable(),
  remote: z.string().nullable(),
  state: z.enum(["up", "standby", "pending", "evicted", "down"]),
  /** Why it is not up, in one word or a few. */
  reason: z.string().nullable(),
  rttMs: measured,
  rttMinMs: measured,
  pdvMs: measured,
  /** Of what this end sent: lost, and arrived damaged or forged; 0..1. */
  plrRatio: measured,
  perRatio: measured,
  txKbps: measured,
  rxKbps: measured,
  txBytes: count,
  rxBytes: count,
  /** Of the bytes this end sent lately, 0..1. */
  shareRatio: measured,
  /** Largest IP packet that the path carries. */
  mtu: z.number().int().nullable(),
  stateSinceMs: measured,
  /** null: the policy is another. */
  aggregate: AggregateMember.nullable(),
});

const Bond = z.object({
  peer: z.string(),
  /** It carries the traffic; a client with several concentrators has the others in reserve. */
  inUse: z.boolean(),
  state: z.enum(["up", "connecting", "down"]),
  /** What the far end said when it ended the session, in a word, as long as there is no other one. */
  reason: z.string().nullable(),
  policy: z.string(),
  hashPolicy: z.string().nullable(),
  /** Of the TAP. */
  mtu: z.number().int(),
  cipher: z.string().nullable(),
  sessionAgeMs: measured,
  rekeys: count,
  /** Addresses inside the tunnel. */
  addresses: z.array(z.string()),
  members: z.array(Member),
  resequencer: z.object({ held: count, late: count, lost: count, duplicates: count, made: count }),
  /** null: the policy is another. */
  aggregate: AggregateBond.nullable(),
});

/** How the traffic of a client's LAN goes while no concentrator can be reached, and what is known of the uplinks for it. */
const Fallback = z.object({
  /** Now: through the bond, out of an uplink directly, or nowhere. */
  way: z.enum(["bond", "direct", "none"]),
  /** The one that is used directly, its device if it is there, and for how long; null while none is. */
  uplink: z.string().nullable(),
  device: z.string().nullable(),
  directMs: measured,
  /** As configured. */
  direct: z.boolean(),
  killSwitch: z.enum(["off", "on", "lasting"]),
  /** Whether each reaches the internet by itself; null where nobody has asked. */
  uplinks: z.array(
    z.object({ name: z.string(), answers: z.boolean().nullable(), rttMs: measured, plrRatio: measured }),
  ),
});

/** What a program says about itself over the control socket, and `wanbond status --json` prints. */
export const StatusSnapshot = z.object({
  version: z.literal(STATUS_VERSION),
  role: z.enum(["client", "concentrator"]),
  pid: count,
  uptimeMs: z.number().nonnegative(),
  tap: z.string(),
  /** Frames and datagrams that went nowhere, by reason. */
  drops: z.record(z.string(), count),
  bonds: z.array(Bond),
  /** null: a concentrator. */
  fallback: Fallback.nullable(),
});

export type StatusSnapshot = z.infer<typeof StatusSnapshot>;
export type FallbackStatus = z.infer<typeof Fallback>;
export type BondStatus = z.infer<typeof Bond>;
export type MemberStatus = z.infer<typeof Member>;
