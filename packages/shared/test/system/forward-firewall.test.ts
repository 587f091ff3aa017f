import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isRoot, makeNamespace, type Namespace } from "../../../../test/support/unit-namespace.ts";
import { findForwardObstacles } from "../../src/system/index.ts";

const DROPPING = "chain FORWARD { type filter hook forward priority 0; policy drop; }";

describe.skipIf(!isRoot)("findForwardObstacles", { timeout: 30_000 }, () => {
  let net: Namespace;
  beforeEach(() => {
    net = makeNamespace();
  });
  afterEach(() => net.remove());
  const find = (ruleset: string) => {
    const lines = ruleset.replaceAll("{ ", "{\n").replaceAll("}", "\n}\n");
    net.sh(`nft -f - <<'END'\n${lines}\nEND`);
    return findForwardObstacles(net.runner, "wb0");
  };

  it("finds nothing without a firewall, or in one that lets forwarded packets pass", async () => {
    expect(await find("")).toEqual([]);
    expect(
      await find("table ip filter { chain FORWARD { type filter hook forward priority 0; policy accept; } }"),
    ).toEqual([]);
    expect(await find("table ip f { chain i { type filter hook input priority 0; policy drop; } }")).toEqual([]);
  });

  it.each([
    ["Docker", `table ip filter { chain DOCKER-USER { } ${DROPPING} }`, "iptables -I DOCKER-USER -i wb0 -j ACCEPT"],
    ["ufw", `table ip filter { chain ufw-user-forward { } ${DROPPING} }`, "ufw route allow in on wb0"],
    ["ufw for IPv6", `table ip6 filter { chain ufw6-user-forward { } ${DROPPING} }`, "ufw route allow out on wb0"],
    ["iptables", `table ip6 filter { ${DROPPING} }`, "ip6tables -I FORWARD -o wb0 -j ACCEPT"],
    [
      "firewalld",
      "table inet firewalld { chain f { type filter hook forward priority 10; ct state established accept; reject; } }",
      "firewall-cmd --permanent --zone=trusted --add-interface=wb0",
    ],
    [
      "nftables.conf",
      "table inet filter { chain forward { type filter hook forward priority 0; policy drop; } }",
      "nft insert rule inet filter forward iifname wb0 accept",
    ],
  ])("knows the remedy for %s", async (_name, ruleset, remedy) => {
    const obstacles = await find(ruleset);
    expect(obstacles).toHaveLength(1);
    expect(obstacles[0]?.remedy).toContain(remedy);
  });

  it("gives remedies that are accepted, and is content with them", async () => {
    const [obstacle] = await find(
      "table inet filter { chain forward { type filter hook forward priority 0; policy drop; } }",
    );
    const commands = obstacle?.remedy.replace(/^[^:]*: /, "") ?? "false";
    net.sh(commands);
    expect(await findForwardObstacles(net.runner, "wb0")).toEqual([]);
  });

  it("does not take a rule with a condition at the end of a chain for one that drops the rest", async () => {
    const chain = 'chain f { type filter hook forward priority 0; policy accept; iifname "eth9" drop; }';
    expect(await find(`table inet filter { ${chain} }`)).toEqual([]);
  });
});
