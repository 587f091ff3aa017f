import type { Situation } from "./controller-rig.ts";

const MBIT = 1000;

function clean(name: string, rateMbit: number, rttMs: number, queueMs = 500): Situation {
  return {
    name,
    line: { rateKbps: rateMbit * MBIT, delayMs: rttMs / 2, queueMs },
    backMs: rttMs / 2,
    runMs: 12_000,
    fromMs: 2000,
  };
}

/** @param fromMs the neighbour is there from then, to toMs. */
function besideCubic(name: string, bufferMs: number, fromMs: number, toMs: number): Situation {
  return { ...clean(name, 20, 40, bufferMs), competitor: { fromMs, toMs } };
}

/** Seeded in the name of the line, not of the run: the capacity is the same for every controller. */
function wander(nowMs: number, lowKbps: number, highKbps: number, periodMs: number): number {
  const phase = (2 * Math.PI * nowMs) / periodMs;
  const wave = 0.5 + 0.35 * Math.sin(phase) + 0.15 * Math.sin(2.7 * phase + 1);
  return lowKbps + (highKbps - lowKbps) * Math.min(1, Math.max(0, wave));
}

function step(nowMs: number, highKbps: number, lowKbps: number, eachMs: number): number {
  return Math.floor(nowMs / eachMs) % 2 === 0 ? highKbps : lowKbps;
}

function onOff(nowMs: number, onMs: number, offMs: number): number | "greedy" {
  return nowMs % (onMs + offMs) < onMs ? "greedy" : 0;
}

/** What a home's lines do to us, one thing at a time. */
export const SITUATIONS: readonly Situation[] = [
  clean("20 Mbit, 50 ms", 20, 50),
  clean("50 Mbit, 20 ms", 50, 20),
  clean("100 Mbit, 40 ms", 100, 40),
  { ...clean("300 Mbit, 20 ms", 300, 20), runMs: 4000, fromMs: 1000 },
  clean("8 Mbit, 120 ms", 8, 120),
  clean("0.5 Mbit, 60 ms", 0.5, 60),
  { ...clean("50 Mbit, 640 ms", 50, 640), runMs: 20_000, fromMs: 6000 },
  { ...clean("5 Gbit, 0.1 ms", 5000, 0.1, 50), runMs: 600, fromMs: 300 },
  { ...clean("5 Gbit, 0.1 ms, feedback every 1 ms", 5000, 0.1, 50), runMs: 600, fromMs: 300, feedbackMs: 1 },
  clean("deep buffer of 4 s", 8, 80, 4000),
  clean("shallow buffer of 8 ms", 20, 40, 8),
  clean("shallow buffer of 5 packets", 20, 40, 3),
  { ...clean("5 % loss", 20, 50), line: { rateKbps: 20_000, delayMs: 25, queueMs: 500, lossRatio: 0.05 } },
  {
    ...clean("2 % loss, 20 ms PDV", 20, 100),
    line: { rateKbps: 20_000, delayMs: 50, pdvMs: 20, queueMs: 500, lossRatio: 0.02 },
  },
  { ...clean("PDV 5 ms in order", 50, 40), line: { rateKbps: 50_000, delayMs: 20, pdvMs: 5, queueMs: 500 } },
  { ...clean("PDV 20 ms in order", 50, 40), line: { rateKbps: 50_000, delayMs: 20, pdvMs: 20, queueMs: 500 } },
  {
    ...clean("PDV 25 ms in order, 1 % loss", 100, 100),
    line: { rateKbps: 100_000, delayMs: 50, pdvMs: 25, queueMs: 500, lossRatio: 0.01 },
    fromMs: 3000,
  },
  {
    ...clean("PDV 5 ms reordering", 40, 60),
    line: { rateKbps: 40_000, delayMs: 30, pdvMs: 5, queueMs: 500, reorders: true },
  },
  {
    ...clean("PDV 20 ms reordering", 50, 40),
    line: { rateKbps: 50_000, delayMs: 20, pdvMs: 20, queueMs: 500, reorders: true },
  },
  { ...clean("feedback: 20 % lost", 20, 50), feedbackLossRatio: 0.2 },
  { ...clean("feedback: every 50 ms", 20, 50), feedbackMs: 50 },
  { ...clean("feedback: bunches of 50 ms", 20, 50), feedbackBunchMs: 50 },
  { ...clean("clock 100 ppm fast", 20, 50), driftPpm: 100, runMs: 30_000 },
  { ...clean("clock 100 ppm slow", 20, 50), driftPpm: -100, runMs: 30_000 },
  {
    ...clean("3G wandering 2-8 Mbit", 8, 120, 1000),
    line: { delayMs: 60, queueMs: 1000, rateAtMs: (nowMs) => wander(nowMs, 2000, 8000, 6000) },
    runMs: 32_000,
  },
  {
    ...clean("the same with PDV 8 ms", 8, 120, 1000),
    line: { delayMs: 60, pdvMs: 8, queueMs: 1000, rateAtMs: (nowMs) => wander(nowMs, 2000, 8000, 6000) },
    runMs: 32_000,
  },
  {
    ...clean("4x steps each 3 s", 20, 60, 1000),
    line: { delayMs: 30, queueMs: 1000, rateAtMs: (nowMs) => step(nowMs, 20_000, 5000, 3000) },
    runMs: 32_000,
  },
  {
    ...clean("policer 10 Mbit, 30 kB", 100, 40),
    policer: { kbps: 10_000, burstBytes: 30_000 },
    capacityKbps: () => 10_000,
    runMs: 22_000,
  },
  {
    ...clean("policer 10 Mbit, 1 MB", 100, 40),
    policer: { kbps: 10_000, burstBytes: 1_000_000 },
    capacityKbps: () => 10_000,
    runMs: 22_000,
    fromMs: 4000,
  },
  {
    ...clean("shaper 100 to 10 Mbit, 1 MB", 100, 40),
    shaper: { kbps: 10_000, burstBytes: 1_000_000 },
    capacityKbps: () => 10_000,
    fromMs: 1000,
  },
  {
    ...clean("policer 10 Mbit, 1 % loss", 100, 40),
    line: { rateKbps: 100_000, delayMs: 20, queueMs: 500, lossRatio: 0.01 },
    policer: { kbps: 10_000, burstBytes: 30_000 },
    capacityKbps: () => 10_000,
    runMs: 22_000,
  },
  { ...besideCubic("cubic neighbour, 200 ms buffer", 200, 3000, 60_000), runMs: 40_000, fromMs: 5000 },
  { ...besideCubic("cubic neighbour, 1 s buffer", 1000, 3000, 80_000), runMs: 60_000, fromMs: 10_000 },
  { ...besideCubic("cubic neighbour, 30 ms buffer", 30, 3000, 60_000), runMs: 40_000, fromMs: 5000 },
  { ...besideCubic("after a cubic neighbour", 200, 3000, 13_000), runMs: 30_000, fromMs: 15_000 },
  { ...besideCubic("beside a cubic of before, 200 ms", 200, 0, 100_000), startMs: 8000, runMs: 50_000, fromMs: 13_000 },
  { ...besideCubic("beside a cubic of before, 1 s", 1000, 0, 100_000), startMs: 8000, runMs: 70_000, fromMs: 13_000 },
  { ...clean("source at 50 %", 20, 50), source: () => 10_000, capacityKbps: () => 10_000 },
  {
    ...clean("on 1 s, off 3 s", 20, 50),
    source: (nowMs) => onOff(nowMs, 1000, 3000),
    capacityKbps: (nowMs) => (nowMs % 4000 < 1000 ? 20_000 : 0),
    runMs: 34_000,
    fromMs: 4000,
  },
  {
    ...clean("the line 4x slower after idling", 20, 50),
    source: (nowMs) => onOff(nowMs, 3000, 3000),
    line: { delayMs: 25, queueMs: 1000, rateAtMs: (nowMs) => step(nowMs, 20_000, 5000, 6000) },
    capacityKbps: (nowMs) => (nowMs % 6000 < 3000 ? step(nowMs, 20_000, 5000, 6000) : 0),
    runMs: 36_000,
    fromMs: 6000,
  },
  {
    ...clean("outage of 3 s", 20, 50),
    line: { rateKbps: 20_000, delayMs: 25, queueMs: 500, outages: [[4000, 7000]] },
    capacityKbps: (nowMs) => (nowMs >= 4000 && nowMs < 7000 ? 0 : 20_000),
  },
  {
    ...clean("spike of 1 s", 20, 50, 2000),
    script: (network, line) => {
      network.at(5000, () => Object.assign(line, { delayMs: 1025 }));
      network.at(11_000, () => Object.assign(line, { delayMs: 25 }));
    },
    runMs: 20_000,
  },
  {
    ...clean("spike of 2 s", 20, 50, 3000),
    script: (network, line) => {
      network.at(5000, () => Object.assign(line, { delayMs: 2025 }));
      network.at(20_000, () => Object.assign(line, { delayMs: 25 }));
    },
    runMs: 30_000,
  },
  {
    ...clean("route +40 ms for good", 20, 50),
    script: (network, line) => network.at(4000, () => Object.assign(line, { delayMs: 65 })),
    runMs: 30_000,
  },
  {
    ...clean("route +150 ms for good", 20, 50),
    script: (network, line) => network.at(4000, () => Object.assign(line, { delayMs: 175 })),
    runMs: 30_000,
  },
  {
    ...clean("route -20 ms for good", 20, 50),
    script: (network, line) => network.at(4000, () => Object.assign(line, { delayMs: 5 })),
    runMs: 20_000,
  },
  { ...clean("two paths, one line", 20, 50), twins: true, runMs: 20_000 },
  { ...clean("two paths, one line, known", 20, 50), twins: true, sharingKnownMs: 5000, runMs: 20_000, fromMs: 6000 },
];
