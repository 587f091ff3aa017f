import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLines } from "../support/emulator.ts";
import { type LineEmulation, line } from "../support/emulator-settings.ts";
import { isRoot } from "../support/netns.ts";
import { pingAtOnce } from "../support/ping.ts";
import { ADDRESSES, buildTopology, type Topology } from "../support/topology.ts";
import { measurePing, measureTcp, measureUdp, parsePing } from "../support/traffic.ts";

/** What all other tests over emulated lines rely on. Line 1: 20/5 Mbit/s, 25 ms; line 2: 300/80 Mbit/s, 5 ms. */
describe.skipIf(!isRoot())("emulated lines", () => {
  let topology: Topology;
  let lines: LineEmulation;

  beforeAll(async () => {
    topology = await buildTopology({ uplinkCount: 2, ipv6: true });
    lines = await startLines(topology, [line(20_000, 5000, 25), line(300_000, 80_000, 5)]);
  });
  afterAll(async () => {
    await lines?.stop();
    topology?.remove();
  });

  const ping = (device: string, address: string = ADDRESSES.server) =>
    measurePing(topology.router, address, { seconds: 0.5, bindDevice: device });
  const traffic = (bindDevice: string) => ({
    client: topology.router,
    server: topology.server,
    serverAddress: ADDRESSES.server,
    seconds: 3,
    omitSeconds: 1,
    bindDevice,
  });

  it.each([
    ["isp1", ADDRESSES.server, 50],
    ["isp2", ADDRESSES.server, 10],
    ["isp1", ADDRESSES.server6, 50],
  ])("delays %s to %s by the delay of both ways", async (device, address, rttMs) => {
    const { p50Ms, received, sent } = await ping(device, address);
    expect(received).toBe(sent);
    expect(p50Ms).toBeGreaterThanOrEqual(rttMs);
    expect(p50Ms).toBeLessThan(rttMs + 5);
  });

  it("hides the household behind the provider's address and another port", async () => {
    const listen = `const socket = require("node:dgram").createSocket("udp4").bind(7);
      socket.on("message", (_, { address, port }) => { console.log(address, port); process.exit(); });`;
    const send = `const socket = require("node:dgram").createSocket("udp4").bind(4444);
      setInterval(() => socket.send("hello", 7, "${ADDRESSES.concentrator}"), 50); setTimeout(process.exit, 2000);`;
    const [seen] = await Promise.all([
      topology.concentrator.exec([process.execPath, "-e", listen]),
      topology.router.exec([process.execPath, "-e", send]),
    ]);
    expect(seen).toMatch(/^198\.18\.1\.2 \d+\n$/);
    expect(seen).not.toContain("4444");
  });

  it("gives TCP the rate of the line and no more", async () => {
    const limitKbps = (20_000 * 1448) / 1500;
    const { goodputKbps } = await measureTcp(traffic("isp1"));
    expect(goodputKbps).toBeGreaterThan(limitKbps * 0.9);
    expect(goodputKbps).toBeLessThan(limitKbps * 1.02);
  });

  it("keeps up with a fast line", async () => {
    const load = { ...traffic("isp2"), rateKbps: 250_000, payloadBytes: 1400 };
    expect((await measureUdp(load)).lostRatio).toBeLessThan(0.01);
  });

  it("turns into a black hole and back", async () => {
    await lines.set(0, { cut: true });
    expect((await ping("isp1")).received).toBe(0);
    await lines.set(0, { cut: false });
    expect((await ping("isp1")).received).toBe(10);
  });

  it("changes its delay while it runs", async () => {
    await lines.set(1, { extraDelayMs: 40 });
    expect((await ping("isp2")).p50Ms).toBeGreaterThanOrEqual(90);
    await lines.set(1, { extraDelayMs: 0 });
    expect((await ping("isp2")).p50Ms).toBeLessThan(20);
  });

  it("becomes slow: what waits in its buffer comes late, and all of it", async () => {
    await lines.set(1, { up: { rateKbps: 150 } });
    const output = await pingAtOnce(topology.router, ADDRESSES.server, 6, "-I", "isp2", "-s", "972");
    await lines.set(1, { up: { rateKbps: 80_000 } });
    const { received, maxMs } = parsePing(output);
    expect(received).toBe(6);
    expect(maxMs).toBeGreaterThan((6 * 1000 * 8) / 150);
  });

  it("drops packets above its MTU without a word", async () => {
    await lines.set(0, { mtuBytes: 1400 });
    const ofSize = (bytes: number) => [
      "ping",
      "-c1",
      "-W1",
      "-Iisp1",
      "-Mdo",
      "-s",
      String(bytes - 28),
      ADDRESSES.server,
    ];
    await topology.router.exec(ofSize(1400));
    const refused = await topology.router.exec(ofSize(1401), { accept: [1] });
    expect(refused).toContain("100% packet loss");
    expect(refused).not.toContain("Frag needed");
    await lines.set(0, { mtuBytes: 1500 });
  });
});
