import { describe, expect, it } from "vitest";
import { portObstacles } from "../../src/system/index.ts";

const chain = (hook: string, policy: string) => ({
  chain: { family: "inet", table: "filter", name: hook, hook, policy },
});
const rule = (name: string, ...expr: object[]) => ({ rule: { family: "inet", table: "filter", chain: name, expr } });
const port = (right: unknown, protocol = "udp") => ({
  match: { op: "==", left: { payload: { protocol, field: "dport" } }, right },
});
const established = { match: { op: "in", left: { ct: { key: "state" } }, right: ["established", "related"] } };
const accept = { accept: null };
const drop = { drop: null };

const problems = (role: "client" | "concentrator", ...nftables: object[]) =>
  portObstacles({ nftables }, role, [51_900]).map(({ chain: name, problem }) => `${name} ${problem}`);

describe("obstacles to the tunnel's own datagrams", () => {
  it("are rules that drop its port, by number, in a set or in a range", () => {
    for (const right of [51_900, { set: [22, 51_900] }, { range: [50_000, 60_000] }]) {
      expect(problems("client", chain("output", "accept"), rule("output", port(right), drop))).toEqual([
        "inet filter output has a rule that drops UDP of port 51900",
      ]);
    }
    expect(problems("client", chain("output", "accept"), rule("output", port(53), drop))).toEqual([]);
    expect(problems("client", chain("output", "accept"), rule("output", port(51_900, "tcp"), drop))).toEqual([]);
    expect(problems("client", chain("output", "accept"), rule("output", port(51_900), accept))).toEqual([]);
  });

  it("are at a client closed doors without a rule for answers", () => {
    const closed = chain("input", "drop");
    expect(problems("client", closed)).toEqual([
      "inet filter input drops what comes in, the concentrator's answers too",
    ]);
    expect(problems("client", closed, rule("input", established, accept))).toEqual([]);
  });

  it("are at a concentrator closed doors without its port", () => {
    const closed = chain("input", "drop");
    expect(problems("concentrator", closed, rule("input", established, accept))).toEqual([
      "inet filter input drops what comes to UDP port 51900",
    ]);
    expect(problems("concentrator", closed, rule("input", port(51_900), accept))).toEqual([]);
    expect(problems("concentrator", chain("input", "accept"))).toEqual([]);
    const last = rule("input", { reject: null });
    expect(problems("concentrator", chain("input", "accept"), last)).toHaveLength(1);
  });

  it("are not chains that forwarded packets or frames of a bridge pass", () => {
    expect(problems("concentrator", chain("forward", "drop"))).toEqual([]);
    expect(problems("concentrator", { chain: { ...chain("input", "drop").chain, family: "bridge" } })).toEqual([]);
  });
});
