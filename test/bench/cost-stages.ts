import { Bond, defaultBondSettings, type PolicyName } from "../../packages/shared/src/bond/index.ts";
import { ReplayWindow } from "../../packages/shared/src/crypto/index.ts";
import {
  clampMss,
  FlowHasher,
  FrameView,
  flowSlot,
  PrefixTable,
  TRANSMIT_HASH_POLICIES,
} from "../../packages/shared/src/packet/index.ts";
import { DuplicateFilter, Resequencer } from "../../packages/shared/src/reseq/index.ts";
import { DatagramView, TYPE_DATA } from "../../packages/shared/src/wire/index.ts";
import type { StageCost } from "./cost-result.ts";
import { nanosecondsPerTurn } from "./cost-timing.ts";
import { tcpFrameHeaders } from "./frames.ts";

const FRAMES = 256;
const FLOWS = 8;
const SLOT_BYTES = 2048;
const PACKET_BYTES = 1432;
const MEMBERS = 4;
const SEQUENCE_MASK = 0xffffff;
/** Frames of each path in a row, as they come from a socket. */
const RUN = 16;

/** The steps of the packet loop, each in a loop of its own, over frames of eight flows. */
export function stageCosts(seconds: number): StageCost[] {
  const stages: [string, (count: number) => void][] = [
    ["parse an Ethernet frame", parsing()],
    ...TRANSMIT_HASH_POLICIES.map((policy): [string, (count: number) => void] => [`hash ${policy}`, hashing(policy)]),
    ["flow slot", slotting()],
    ["look at a TCP segment for its MSS", clamping()],
    ["find a route of four bytes", routing()],
    ["write both headers", writingHeaders()],
    ["read both headers", readingHeaders()],
    ["replay check", replayChecking()],
    ["duplicate check", duplicateChecking()],
    ["resequencer, in order", resequencing(1)],
    [`resequencer, runs of ${RUN} from ${MEMBERS} paths`, resequencing(MEMBERS)],
  ];
  return stages.map(([name, loop]) => ({ name, ns: nanosecondsPerTurn(loop, seconds) }));
}

/** What it costs to ask a bond for the members of a frame. */
export function pickCost(policy: PolicyName, seconds: number): number {
  const bond = new Bond(defaultBondSettings(policy), Math.random, { bondEvent: () => undefined });
  for (let member = 0; member < MEMBERS; member++) {
    bond.setMember(member, `isp${member}`);
    bond.setUsable(member, true, 0);
  }
  return nanosecondsPerTurn(
    overViews((view, i) => bond.pick(view, PACKET_BYTES, i * 0.003)),
    seconds,
  );
}

/** A pool of frames as the packet loop has it, and a view of each. */
function frames(): { pool: Uint8Array<ArrayBuffer>; views: FrameView[] } {
  const pool = new Uint8Array(FRAMES * SLOT_BYTES);
  const views = Array.from({ length: FRAMES }, (_, i) => {
    pool.set(tcpFrameHeaders(i % FLOWS, PACKET_BYTES), i * SLOT_BYTES + 2);
    const view = new FrameView();
    view.parse(pool, i * SLOT_BYTES + 2, PACKET_BYTES + 14);
    return view;
  });
  return { pool, views };
}

/** Keeps results alive, so that the engine leaves no work out. */
let sum = 0;

function parsing(): (count: number) => void {
  const { pool } = frames();
  const view = new FrameView();
  return (count) => {
    for (let i = 0; i < count; i++) {
      view.parse(pool, (i & (FRAMES - 1)) * SLOT_BYTES + 2, PACKET_BYTES + 14);
      sum = (sum + view.sourcePort) | 0;
    }
  };
}

/** A loop over parsed frames. */
function overViews(use: (view: FrameView, i: number) => number): (count: number) => void {
  const { views } = frames();
  const first = views[0] ?? new FrameView();
  return (count) => {
    for (let i = 0; i < count; i++) sum = (sum + use(views[i & (FRAMES - 1)] ?? first, i)) | 0;
  };
}

function hashing(policy: (typeof TRANSMIT_HASH_POLICIES)[number]): (count: number) => void {
  const hasher = new FlowHasher(policy);
  return overViews((view) => hasher.hash(view));
}

function slotting(): (count: number) => void {
  return overViews((view) => flowSlot(view));
}

function clamping(): (count: number) => void {
  return overViews((view) => (clampMss(view.pool, view, PACKET_BYTES) ? 1 : 0));
}

function routing(): (count: number) => void {
  const table = new PrefixTable();
  table.add("10.200.0.2/32", 3);
  table.add("192.168.50.0/24", 3);
  return overViews((view) => table.findSource(view));
}

function writingHeaders(): (count: number) => void {
  const datagrams = new DatagramView(new Uint8Array(FRAMES * SLOT_BYTES));
  let counter = 0;
  return (count) => {
    for (let i = 0; i < count; i++) {
      const at = (i & (FRAMES - 1)) * SLOT_BYTES;
      datagrams.writeOuter(at, TYPE_DATA, i & 3, 0x12345678, counter++);
      datagrams.writeInner(at + 16, 0, i & SEQUENCE_MASK, i & 255, counter & SEQUENCE_MASK);
    }
  };
}

function readingHeaders(): (count: number) => void {
  const datagrams = new DatagramView(new Uint8Array(FRAMES * SLOT_BYTES));
  for (let i = 0; i < FRAMES; i++) datagrams.writeOuter(i * SLOT_BYTES, TYPE_DATA, 1, 0x12345678, i);
  return (count) => {
    for (let i = 0; i < count; i++) {
      const at = (i & (FRAMES - 1)) * SLOT_BYTES;
      datagrams.readInner(at + 16);
      sum = (sum + datagrams.check(at, PACKET_BYTES) + datagrams.session(at) + datagrams.counter(at)) | 0;
    }
  };
}

function replayChecking(): (count: number) => void {
  const window = new ReplayWindow();
  let counter = 0;
  return (count) => {
    for (let i = 0; i < count; i++) if (!window.accept(counter++)) throw new Error("unreachable: counters rise");
  };
}

function duplicateChecking(): (count: number) => void {
  const filter = new DuplicateFilter();
  let sequence = 0;
  return (count) => {
    for (let i = 0; i < count; i++) {
      sum = (sum + filter.accept(7, sequence)) | 0;
      sequence = (sequence + 1) & SEQUENCE_MASK;
    }
  };
}

/** Frames of one flow slot that were dealt to the paths in turn and come in runs of one path each. */
function resequencing(paths: number): (count: number) => void {
  const due = { slots: new Int32Array(8192), count: 0 };
  const resequencer = new Resequencer({ maxHoldMs: 250, maxHeldFrames: 4096 }, new DuplicateFilter(), due);
  resequencer.setLivePaths((1 << paths) - 1, 0);
  const block = RUN * paths;
  let next = 0;
  return (count) => {
    for (let i = 0; i < count; i++, next++) {
      const inBlock = next % block;
      const path = Math.floor(inBlock / RUN);
      const sequence = (next - inBlock + (inBlock % RUN) * paths + path) & SEQUENCE_MASK;
      const nowMs = next * 0.0025;
      resequencer.push(i & 4095, 7, sequence, path, Math.floor(nowMs * 250) & SEQUENCE_MASK, nowMs);
      if (inBlock === block - 1 && resequencer.nextDeadlineMs <= nowMs) resequencer.onTimer(nowMs);
      sum = (sum + due.count) | 0;
      due.count = 0;
    }
  };
}
