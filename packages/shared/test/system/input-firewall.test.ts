import { describe, expect, it } from "vitest";
import { inputRemedies } from "../../src/system/input-firewall.ts";

const chain = (family: string, table: string, name: string, policy: string) => ({
  chain: { family, table, name, hook: "input", policy },
});
const rule = (table: string, ...expr: object[]) => ({ rule: { family: "inet", table, chain: "input", expr } });
const port = (right: number) => ({
  match: { op: "==", left: { payload: { protocol: "udp", field: "dport" } }, right },
});
const remedies = (...nftables: object[]) => inputRemedies({ nftables }, 51900);

describe("firewalls before a UDP port", () => {
  it("are none where nothing drops", () => {
    expect(remedies()).toEqual([]);
    expect(remedies(chain("inet", "filter", "input", "accept"))).toEqual([]);
  });

  it.each([
    [
      "nftables",
      [chain("inet", "filter", "input", "drop")],
      "nft insert rule inet filter input udp dport 51900 accept",
    ],
    ["iptables", [chain("ip", "filter", "INPUT", "drop")], "iptables -I INPUT -p udp --dport 51900 -j ACCEPT"],
    [
      "ufw",
      [chain("ip", "filter", "INPUT", "drop"), { chain: { family: "ip", table: "filter", name: "ufw-user-input" } }],
      "ufw allow 51900/udp",
    ],
    [
      "firewalld",
      [
        chain("inet", "firewalld", "filter_INPUT", "accept"),
        { rule: { family: "inet", table: "firewalld", chain: "filter_INPUT", expr: [{ reject: null }] } },
      ],
      "firewall-cmd --permanent --add-port=51900/udp && firewall-cmd --reload",
    ],
  ])("are opened with their own command: %s", (_name, ruleset, command) => {
    expect(remedies(...ruleset)).toEqual([command]);
  });

  it("are left alone when a rule lets the port in, and not when it lets another one in", () => {
    const drops = chain("inet", "filter", "input", "drop");
    expect(remedies(drops, rule("filter", port(51900), { accept: null }))).toEqual([]);
    expect(remedies(drops, rule("filter", port(5190), { accept: null }))).toHaveLength(1);
  });
});
