import { describe, expect, it } from "vitest";
import { renderDocument } from "../bench/document.ts";
import { parseOptions } from "../bench/options.ts";
import { renderText } from "../bench/report.ts";
import type { BenchResult, TunnelResult, TunnelSample } from "../bench/result.ts";

const NOTHING: TunnelSample = {
  oneTcp: null,
  eightTcp: null,
  pacedUdp: null,
  floodUdp: null,
  pingMs: null,
  residentBytes: {},
};

function tunnel(
  name: string,
  samples: readonly Partial<TunnelSample>[],
  more: Partial<TunnelResult> = {},
): TunnelResult {
  const filled = samples.map((sample) => ({ ...NOTHING, ...sample }));
  return { name, description: "", version: null, skipped: null, samples: filled, errors: [], ...more };
}

function result(tunnels: readonly TunnelResult[]): BenchResult {
  const machine = { processor: "a processor", cores: 2, kernel: "6.1", node: "v20" };
  const run = { command: "npm run bench", machine, seconds: 1, rounds: 3, bareNodeBytes: null };
  return { ...run, tunnels, policies: [], stages: [], x25519: [], errors: [] };
}

const gbps = (goodputGbps: number) => ({ oneTcp: { goodputGbps, processorSecondsPerGb: null } });

/** The line of a text that starts with a word, by columns. */
function cellsOf(text: string, first: string): string[] {
  return (text.split("\n").find((line) => line.startsWith(`${first} `)) ?? "").split(/ {2,}/);
}

describe("the bench's report", () => {
  it("puts medians in relation to the link and to the baseline of the same run", () => {
    const tunnels = [
      tunnel("veth", [gbps(40), gbps(20), gbps(10)]),
      tunnel("wanbond", [gbps(5), gbps(4), gbps(1)]),
      tunnel("plain-node", [gbps(0.2)]),
    ];
    const [name, median, range, ofLink, toBaseline] = cellsOf(
      renderText(result(tunnels)).split("TCP from")[1] ?? "",
      "wanbond",
    );
    expect([name, median, range, ofLink, toBaseline]).toEqual(["wanbond", "4.00", "1.00–5.00", "20 %", "20.0 x"]);
  });

  it("says what pings take more than over the link", () => {
    const pings = (pingMs: readonly number[]) => [{ pingMs }];
    const tunnels = [tunnel("veth", pings([0.01, 0.02, 0.03])), tunnel("wanbond", pings([0.3, 0.1, 0.2]))];
    const text = renderText(result(tunnels)).split("Ping on")[1] ?? "";
    expect(cellsOf(text, "wanbond")).toEqual(["wanbond", "3", "200", "300", "180", "270"]);
  });

  it("has a dash for a figure without its reference, and leaves out what nobody measured", () => {
    const text = renderText(result([tunnel("wanbond", [gbps(4)])]));
    expect(cellsOf(text.split("TCP from")[1] ?? "", "wanbond").slice(3, 5)).toEqual(["–", "–"]);
    expect(text).not.toContain("Ping on");
    expect(text).not.toContain("X25519");
  });

  it("names what was left out and what failed, as text and in the document", () => {
    const tunnels = [
      tunnel("veth", [gbps(4)]),
      tunnel("tinc", [], { skipped: "tincd not installed" }),
      tunnel("fastd", [], { errors: ["start: no answer"] }),
    ];
    for (const rendered of [renderText(result(tunnels)), renderDocument(result(tunnels))]) {
      expect(rendered).toContain("tinc: tincd not installed");
      expect(rendered).toContain("fastd: start: no answer");
    }
  });

  it("gives the command with the document's figures", () => {
    expect(renderDocument(result([tunnel("veth", [gbps(4)])]))).toContain("```\nnpm run bench\n```");
  });
});

describe("the bench's options", () => {
  function chosen(only: string): [parts: string[], tunnels: number] {
    const options = parseOptions(["--only", only]);
    if (typeof options === "string") throw new Error(options);
    return [[...options.parts], options.tunnels.length];
  }

  it("take parts, tunnels, or some of both", () => {
    expect(chosen("tcp")[0]).toEqual(["tcp"]);
    expect(chosen("tcp")[1]).toBeGreaterThan(5);
    expect(chosen("veth,wanbond")).toEqual([["tcp", "udp", "ping"], 2]);
    expect(chosen("ping,wanbond")).toEqual([["ping"], 1]);
  });

  it.each([["--only", "tpc"], ["--seconds", "0"], ["--seconds", "soon"], ["--what"]])(
    "refuse %s %s",
    (...parameters) => {
      expect(() => parseOptions(parameters)).toThrow();
    },
  );
});
