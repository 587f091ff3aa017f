import { describe, expect, it } from "vitest";
import { SimulatedLine } from "./simulated-line.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const LOAD_KBPS = 10_000;

function rows(...rttMs: number[]): { rttMs: number; seed: number }[] {
  return rttMs.flatMap((rtt) => SEEDS.map((seed) => ({ rttMs: rtt, seed })));
}

/** A line under traffic in both directions, up and settled at 6000 ms (moved by the seed, to meet all phases). */
function settled(rttMs: number, seed: number, change: (line: SimulatedLine) => void = () => {}): SimulatedLine {
  const line = new SimulatedLine({}, seed);
  line.both({ delayMs: rttMs / 2, pdvMs: rttMs / 10 });
  line.near.loadKbps = LOAD_KBPS;
  line.far.loadKbps = LOAD_KBPS / 10;
  change(line);
  line.run(6000 + seed * 13.7);
  expect(line.near.monitor.state).toBe("up");
  expect(line.near.changes).toHaveLength(2);
  return line;
}

describe("a line that is cut", () => {
  it.each(rows(2, 20, 60, 100))("is out within 500 ms under traffic, RTT $rttMs ms, seed $seed", ({ rttMs, seed }) => {
    const line = settled(rttMs, seed);
    const cutMs = line.nowMs;
    line.both({ blackhole: true });
    line.run(cutMs + 3000);
    for (const end of [line.near, line.far]) {
      const change = end.changeTo("down", cutMs);
      expect(change.reason).toBe("silent");
      expect(change.atMs - cutMs).toBeLessThanOrEqual(500);
    }
  });

  it.each(rows(20, 60, 100))(
    "is out within 500 ms with traffic one way, RTT $rttMs ms, seed $seed",
    ({ rttMs, seed }) => {
      const line = settled(rttMs, seed, (made) => {
        made.far.loadKbps = 0;
      });
      const cutMs = line.nowMs;
      line.both({ blackhole: true });
      line.run(cutMs + 3000);
      expect(line.near.changeTo("down", cutMs).atMs - cutMs).toBeLessThanOrEqual(500);
    },
  );

  it.each(rows(300, 700))(
    "with a long RTT of $rttMs ms goes once an answer is overdue, seed $seed",
    ({ rttMs, seed }) => {
      const line = settled(rttMs, seed);
      const cutMs = line.nowMs;
      line.both({ blackhole: true });
      line.run(cutMs + 4000);
      expect(line.near.changeTo("down", cutMs).atMs - cutMs).toBeLessThanOrEqual(rttMs + 500);
    },
  );

  it.each(rows(20, 100, 300))(
    "is back in use within 3 s of its return, RTT $rttMs ms, seed $seed",
    ({ rttMs, seed }) => {
      const line = settled(rttMs, seed);
      line.both({ blackhole: true });
      line.run(line.nowMs + 20_000 + seed * 31);
      const backMs = line.nowMs;
      line.both({ blackhole: false });
      line.run(backMs + 10_000);
      expect(line.near.changeTo("up", backMs).atMs - backMs).toBeLessThanOrEqual(3000);
      expect(line.near.monitor.share).toBe(1);
    },
  );

  it.each(SEEDS)("in one direction only is out within 1 s at both ends, seed %i", (seed) => {
    for (const cut of ["there", "back"] as const) {
      const line = settled(50, seed);
      const cutMs = line.nowMs;
      line[cut].blackhole = true;
      line.run(cutMs + 3000);
      const outMs = [line.near, line.far].map(
        (end) => end.changes.find((change) => change.from === "up")?.atMs ?? Infinity,
      );
      expect(Math.max(...outMs) - cutMs).toBeLessThanOrEqual(1000);
    }
  });

  it.each(SEEDS)("in one direction only is out within 3 s at both ends also while idle, seed %i", (seed) => {
    for (const cut of ["there", "back"] as const) {
      const line = new SimulatedLine({}, seed);
      line.run(20_000 + seed * 137);
      const cutMs = line.nowMs;
      line[cut].blackhole = true;
      line.run(cutMs + 10_000);
      for (const end of [line.near, line.far]) {
        const out = end.changes.find((change) => change.from === "up");
        expect((out?.atMs ?? Infinity) - cutMs).toBeLessThanOrEqual(3000);
        expect(end.monitor.usable).toBe(false);
      }
    }
  });

  it("while idle is out within 2.5 s, and without any traffic lost once traffic starts", () => {
    const line = new SimulatedLine({}, 5);
    line.run(20_300);
    line.both({ blackhole: true });
    line.run(30_000);
    expect(line.near.changeTo("down", 20_300).atMs).toBeLessThanOrEqual(22_800);
  });
});

describe("a line whose RTT jumps to 2 s", () => {
  const spikes = [
    { name: "both ways", there: 1000, back: 1000 },
    { name: "on the way there", there: 2000, back: 20 },
    { name: "on the way back", there: 20, back: 2000 },
  ].flatMap((spike) => SEEDS.map((seed) => ({ ...spike, seed })));

  it.each(spikes)("$name is out within 1 s and back within 3 s of its end, seed $seed", ({ there, back, seed }) => {
    const line = settled(40, seed);
    const jumpMs = line.nowMs;
    line.there.delayMs = there;
    line.back.delayMs = back;
    line.run(jumpMs + 15_000);
    const out = line.near.changes.find((change) => change.from === "up");
    expect((out?.atMs ?? Infinity) - jumpMs).toBeLessThanOrEqual(1000);
    expect(line.near.monitor.usable).toBe(false);
    line.both({ delayMs: 20 });
    line.run(jumpMs + 20_000);
    expect(line.near.changeTo("up", jumpMs + 15_000).atMs - jumpMs - 15_000).toBeLessThanOrEqual(3000);
  });

  it.each(SEEDS)("is out within 1 s also from a full buffer, seed %i", (seed) => {
    const line = settled(60, seed, (made) => {
      made.there.queueMs = 300;
      made.near.loadKbps = made.there.rateKbps * 1.02;
    });
    const jumpMs = line.nowMs;
    line.both({ delayMs: 1000 });
    line.run(jumpMs + 3000);
    const out = line.near.changes.find((change) => change.from === "up");
    expect((out?.atMs ?? Infinity) - jumpMs).toBeLessThanOrEqual(1000);
  });
});

describe("a line that we fill", () => {
  const loads = [0.95, 1.02, 1.2, 1.5, 2].flatMap((load) => SEEDS.slice(0, 4).map((seed) => ({ load, seed })));

  it.each(loads)("stays in with a 1-s buffer at $load of its rate, seed $seed", ({ load, seed }) => {
    const line = new SimulatedLine({}, seed);
    line.both({ delayMs: 60, pdvMs: 15, queueMs: 1000, rateKbps: 4000 });
    line.run(5000 + seed * 17);
    line.near.loadKbps = 4000 * load;
    line.far.loadKbps = 500;
    line.run(65_000);
    expect(line.near.log).toEqual([line.near.log[0], line.near.log[1]]);
    expect(line.near.monitor.state).toBe("up");
    expect(line.far.monitor.state).toBe("up");
  });

  it.each(SEEDS)("stays in when both directions are full, seed %i", (seed) => {
    const line = new SimulatedLine({}, seed);
    line.there.queueMs = 600;
    line.back.queueMs = 300;
    line.both({ delayMs: 60, pdvMs: 15, rateKbps: 4000 });
    line.run(5000 + seed * 17);
    line.near.loadKbps = 4800;
    line.far.loadKbps = 4400;
    line.run(65_000);
    expect(line.near.monitor.state).toBe("up");
    expect(line.near.changes).toHaveLength(2);
  });
});

describe("a lossy line", () => {
  it.each(SEEDS)("stays in at 5 and 15 % loss, seed %i", (seed) => {
    for (const lossRatio of [0.05, 0.15]) {
      const line = settled(60, seed);
      line.both({ lossRatio });
      line.run(120_000);
      expect(line.near.changes).toHaveLength(2);
      expect(line.near.monitor.plrRatio).toBeGreaterThan(lossRatio / 2);
      expect(line.near.monitor.plrRatio).toBeLessThan(lossRatio * 1.5);
    }
  });

  it.each(SEEDS)("goes for loss at 50 %, and comes back when it has passed, seed %i", (seed) => {
    const line = settled(60, seed);
    const startMs = line.nowMs;
    line.there.lossRatio = 0.5;
    line.run(startMs + 20_000);
    const out = line.near.changeTo("evicted", startMs);
    expect(out.reason).toBe("loss");
    expect(out.numbers.packetCount).toBeGreaterThanOrEqual(50);
    expect(out.numbers.plrRatio).toBeGreaterThan(0.3);
    expect(out.atMs - startMs).toBeLessThanOrEqual(4000);
    expect(line.near.monitor.usable).toBe(false);
    line.there.lossRatio = 0;
    line.run(startMs + 30_000);
    expect(line.near.changeTo("up", startMs + 20_000).atMs - startMs - 20_000).toBeLessThanOrEqual(5000);
  });

  it("that swallows only large packets goes for loss", () => {
    const line = settled(60, 3);
    const startMs = line.nowMs;
    const arrivalMs = line.there.arrivalMs.bind(line.there);
    line.there.arrivalMs = (sizeBytes, nowMs, random) =>
      sizeBytes > 1000 ? undefined : arrivalMs(sizeBytes, nowMs, random);
    line.run(startMs + 3000);
    expect(line.near.changeTo("evicted", startMs).reason).toBe("loss");
  });

  it("does not take datagrams that were merely overtaken for lost", () => {
    const line = settled(60, 3);
    line.both({ pdvMs: 60 });
    for (let ms = 7000; ms < 30_000; ms += 500) {
      line.run(ms);
      expect(line.near.monitor.plrRatio).toBeLessThan(0.02);
    }
  });
});

describe("the only usable member", () => {
  it("stays through a spike to 2 s that goes on, and through 50 % loss", () => {
    const line = settled(40, 1, (made) => {
      made.near.othersUsable = false;
      made.far.othersUsable = false;
    });
    line.there.delayMs = 1500; // Heard all the time: the way back is as before.
    line.run(line.nowMs + 20_000);
    line.there.delayMs = 20;
    line.there.lossRatio = 0.5;
    line.run(line.nowMs + 20_000);
    expect(line.near.changes.map((change) => change.to)).not.toContain("evicted");
  });

  it("goes for silence, and comes back with its first answer", () => {
    const line = settled(40, 1, (made) => {
      made.near.othersUsable = false;
    });
    const cutMs = line.nowMs;
    line.both({ blackhole: true });
    line.run(cutMs + 10_000);
    expect(line.near.monitor.state).toBe("down");
    line.both({ blackhole: false });
    line.run(cutMs + 12_000);
    const up = line.near.changeTo("up", cutMs);
    expect(up.reason).toBe("alone");
    expect(up.atMs).toBeLessThanOrEqual(cutMs + 10_600);
  });

  it("is taken back from eviction when the others are gone, and goes again when they are back", () => {
    const line = settled(40, 1);
    line.both({ delayMs: 1000 });
    line.run(line.nowMs + 8000);
    expect(line.near.monitor.state).toBe("evicted");
    line.near.othersUsable = false;
    line.near.monitor.onTimer(line.nowMs, Number.NaN, false);
    expect(line.near.monitor.state).toBe("up");
    line.run(line.nowMs + 5000);
    expect(line.near.monitor.state).toBe("up");
    line.near.othersUsable = true;
    line.run(line.nowMs + 1000);
    expect(line.near.monitor.state).toBe("evicted");
  });
});

describe("cost and pace", () => {
  function idleKbps(metered: boolean): { thereKbps: number; backKbps: number } {
    const line = new SimulatedLine({ metered }, 1);
    line.run(60_000);
    line.there.carriedBytes = 0;
    line.back.carriedBytes = 0;
    line.run(660_000);
    expect(line.near.monitor.state).toBe("up");
    expect(line.near.changes).toHaveLength(2);
    return { thereKbps: (line.there.carriedBytes * 8) / 600_000, backKbps: (line.back.carriedBytes * 8) / 600_000 };
  }

  it("an idle metered uplink costs less than 1 kbit/s with replies and both directions", () => {
    const { thereKbps, backKbps } = idleKbps(true);
    expect(thereKbps + backKbps).toBeLessThan(0.3);
  });

  it("an idle uplink costs less than 3 kbit/s", () => {
    const { thereKbps, backKbps } = idleKbps(false);
    expect(thereKbps + backKbps).toBeLessThan(3);
  });

  it("a metered radio that takes 2 s to wake is not thrown out while idle", () => {
    const line = new SimulatedLine({ metered: true }, 1);
    line.run(10_000);
    line.both({ delayMs: 1100 });
    line.run(200_000);
    expect(line.near.changes).toHaveLength(2);
  });
});

describe("a line that flaps", () => {
  /** Cuts the line for 600 ms. @returns how long it was out of use, in s. */
  function flap(line: SimulatedLine): number {
    const cutMs = line.nowMs;
    line.both({ blackhole: true });
    line.run(cutMs + 600);
    line.both({ blackhole: false });
    while (line.near.changes.at(-1)?.to !== "up") line.run(line.nowMs + 100);
    return Math.round((line.near.changeTo("up", cutMs).atMs - line.near.changeTo("down", cutMs).atMs) / 100) / 10;
  }

  it("waits twice as long each time, at most a minute, and is forgiven when it behaves", () => {
    const line = settled(40, 1);
    const outSeconds: number[] = [];
    for (let i = 0; i < 9; i++) {
      outSeconds.push(flap(line));
      line.run(line.nowMs + 5000);
    }
    line.run(line.nowMs + 240_000);
    outSeconds.push(flap(line));
    expect(outSeconds).toMatchInlineSnapshot(`
      [
        0.9,
        1,
        2,
        4,
        8,
        16,
        32,
        60,
        60,
        1,
      ]
    `);
  });

  it("gets its share back by proof, within 2 s under load", () => {
    const line = settled(40, 2);
    expect(line.near.monitor.share).toBe(1);
    flap(line);
    const upMs = line.nowMs;
    const shares: number[] = [];
    for (let ms = 0; ms <= 2500; ms += 500) {
      line.run(upMs + ms);
      shares.push(Math.round(line.near.monitor.share * 10) / 10);
    }
    expect(shares).toMatchInlineSnapshot(`
      [
        0.3,
        0.5,
        0.6,
        0.8,
        1,
        1,
      ]
    `);
  });
});

describe("delays and settings", () => {
  it("waits upDelay before use and downDelay before giving up", () => {
    const line = new SimulatedLine({ upDelayMs: 2000, downDelayMs: 1000 }, 1);
    line.near.loadKbps = 1000;
    line.run(6000);
    line.both({ blackhole: true });
    line.run(10_000);
    expect(line.near.log).toMatchInlineSnapshot(`
      [
        "1040 down -> pending: answered",
        "3040 pending -> up: confirmed",
        "7420 up -> down: silent",
      ]
    `);
  });

  it("leaves at once when the carrier goes, and asks at once when it is back", () => {
    const line = settled(40, 1);
    line.near.monitor.onInterface(false, line.nowMs);
    expect(line.near.changes.at(-1)?.reason).toBe("carrier");
    const probesSent = line.near.probesSent;
    line.run(20_000);
    expect(line.near.probesSent).toBe(probesSent);
    line.near.monitor.onInterface(true, line.nowMs);
    line.run(21_000);
    expect(line.near.changeTo("up", 20_000).reason).toBe("confirmed");
  });

  it("probes an idle line at the full rate with monitorStrategy fixed, and slowly with dynamic", () => {
    const counts = (["fixed", "dynamic"] as const).map((monitorStrategy) => {
      const line = new SimulatedLine({ monitorStrategy }, 1);
      line.run(11_000);
      return line.near.probesSent;
    });
    expect(counts[0]).toBeGreaterThan(90);
    expect(counts[1]).toBeLessThan(15);
  });

  it("judges by the best member's RTT only when asked to, and only while the line is not loaded", () => {
    const slow = (evictRttFactor: number, loadKbps: number): SimulatedLine => {
      const line = new SimulatedLine({ evictRttFactor }, 1);
      line.run(3000);
      line.near.loadKbps = loadKbps;
      line.run(5000);
      line.both({ delayMs: 200 });
      line.run(20_000);
      return line;
    };
    expect(slow(5, 0).near.changes.at(-1)).toMatchObject({ to: "evicted", reason: "rtt" });
    expect(slow(0, 0).near.monitor.state).toBe("up");
    expect(slow(5, 5000).near.monitor.state).toBe("up");
  });

  it("lets 25 ms stay beside 5 ms, whatever the factor", () => {
    const line = new SimulatedLine({ evictRttFactor: 2 }, 1);
    line.near.bestRttMs = 5;
    line.both({ delayMs: 12 });
    line.run(20_000);
    expect(line.near.changes).toHaveLength(2);
  });
});
