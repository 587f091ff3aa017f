import {
  Bond,
  type BondEvent,
  type BondSettings,
  defaultBondSettings,
  defaultLinkSettings,
  type LinkSettings,
  type MemberQuality,
  type PolicyName,
} from "../../src/bond/index.ts";
import type { Random } from "../../src/units.ts";
import { flowFrame } from "../packet/frames.ts";

/** Mulberry32: a seeded generator for tests. */
function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
}

export function settingsOf(basePolicy: PolicyName, changes: Partial<BondSettings> = {}): BondSettings {
  return { ...defaultBondSettings(basePolicy), ...changes };
}

export function linksOf(links: Record<string, Partial<LinkSettings>>): Record<string, LinkSettings> {
  const defaults = defaultLinkSettings(defaultBondSettings());
  return Object.fromEntries(Object.entries(links).map(([name, link]) => [name, { ...defaults, ...link }]));
}

export const quality = (rttMs: number, changes: Partial<MemberQuality> = {}): MemberQuality => ({
  rttMs,
  rttMaxMs: rttMs,
  pdvMs: 1,
  plrRatio: 0,
  perRatio: 0,
  availabilityRatio: 1,
  ...changes,
});

/** A bond under test, with its log and a clock. */
export class BondHarness {
  readonly log: string[] = [];
  readonly bond: Bond;
  nowMs = 1000;

  /** @param names links of members 0, 1, ...; all usable. */
  constructor(settings: BondSettings, names: readonly string[], seed = 1) {
    this.bond = new Bond(settings, seededRandom(seed), { bondEvent: (event) => this.log.push(textOf(event)) });
    for (const [index, name] of names.entries()) this.bond.setMember(index, name);
    for (const index of names.keys()) this.up(index);
    this.log.length = 0;
  }

  up(index: number): void {
    this.bond.setUsable(index, true, this.nowMs);
  }

  down(index: number): void {
    this.bond.setUsable(index, false, this.nowMs);
  }

  advance(ms: number): void {
    this.nowMs += ms;
    this.bond.onTimer(this.nowMs);
  }

  /** Mask for one frame of the flow with this port. */
  pick(port = 1, sizeBytes = 1400): number {
    return this.bond.pick(flowFrame(port), sizeBytes, this.nowMs);
  }

  /** Member numbers of one frame of each of the flows. */
  members(flows: number): number[] {
    return Array.from({ length: flows }, (_, flow) => 31 - Math.clz32(this.pick(1000 + flow)));
  }
}

/** How many of the numbers are 0, 1, 2, ... */
export function tally(members: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_, member) => members.filter((other) => other === member).length);
}

function textOf(event: BondEvent): string {
  if (event.type === "eligible-changed") return `eligible ${event.from.toString(2)} -> ${event.to.toString(2)}`;
  return `active ${event.from?.name ?? "-"} -> ${event.to?.name ?? "-"}: ${event.reason}`;
}
