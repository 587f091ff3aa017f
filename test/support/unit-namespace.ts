import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunner, type Runner } from "../../packages/shared/src/system/index.ts";

/** Tests that change a network do so in namespaces of their own, which only root can make. */
export const isRoot = process.getuid?.() === 0;

const IP = "ip";
let count = 0;

/** A network namespace that lives as long as one test. */
export interface Namespace {
  readonly name: string;
  readonly runner: Runner;
  /** A directory for journals. */
  readonly directory: string;
  /** Runs lines of a shell in it; "A; B" and line ends separate commands, the first fault ends them. */
  sh(script: string): string;
  /** Everything that wanbond could change, as text. */
  dump(): string;
  remove(): void;
}

export function makeNamespace(): Namespace {
  const name = `wbsys-${process.pid}-${count++}`;
  const directory = mkdtempSync(join(tmpdir(), "wbsys-"));
  execFileSync(IP, ["netns", "add", name]);
  const sh = (script: string) =>
    execFileSync(IP, ["netns", "exec", name, "sh", "-e", "-c", script], { encoding: "utf8", stdio: "pipe" });
  // No duplicate address detection: an address that is "tentative" for a second would make dumps differ.
  sh("for each in all default; do echo 0 > /proc/sys/net/ipv6/conf/$each/accept_dad; done; ip link set lo up");
  // The kernel gives a new namespace the IPv4 settings of the host, where docker or a router forwards.
  sh("echo 0 > /proc/sys/net/ipv4/ip_forward");
  return {
    name,
    runner: createRunner({ netns: name }),
    directory,
    sh,
    dump: () => sh(DUMP),
    remove: () => {
      execFileSync(IP, ["netns", "del", name]);
      rmSync(directory, { recursive: true });
    },
  };
}

/** IPv6 multicast routes and link-local ones come and go with the devices; the kernel gives a device its qdisc when it first goes up. */
const DUMP = `
ip -4 -d rule; ip -6 -d rule
ip -N -4 -d route show table all
ip -N -6 -d route show table all | grep -v "^multicast"
ip -d addr | grep -v "valid_lft" | sed "s/qdisc [a-z_]*//"
nft list ruleset
cd /proc/sys/net
grep . ipv4/ip_forward ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv4/conf/*/accept_redirects
grep . ipv6/conf/*/forwarding ipv6/conf/*/accept_ra
`;

/** Two uplinks behind routers, a LAN, and a TAP, as on a home router. */
export function makeHomeRouter(): Namespace {
  const namespace = makeNamespace();
  namespace.sh(`
    for device in isp1 isp2 lan; do
      ip link add $device type veth peer name $device-far
      ip link set $device-far up; ip link set $device up
    done
    ip addr add 192.168.101.254/24 dev isp1; ip addr add 192.168.102.254/24 dev isp2
    ip addr add 192.168.50.1/24 dev lan
    ip addr add 2001:db8:1::2/64 dev isp1
    ip route add default via 192.168.101.1 dev isp1 metric 100
    ip route add default via 192.168.102.1 dev isp2 metric 200
    ip -6 route add default via fe80::1 dev isp1
    ip tuntap add dev wb0 mode tap
  `);
  return namespace;
}
