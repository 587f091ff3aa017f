import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute, type Namespace } from "../support/netns.ts";
import { Daemon } from "./daemon.ts";
import { FAR_INNER, FAR_LINK, NEAR_INNER, NEAR_LINK, type Stage } from "./stage.ts";
import type { RunningTunnel, Tunnel } from "./tunnel.ts";

/** Other people's tunnels in user space, over one link, as their manuals configure them: no tuning, of us neither. */
const PORT = 5700;

/** One end of a tunnel. */
interface End {
  readonly name: "near" | "far";
  readonly namespace: Namespace;
  readonly link: string;
  readonly inner: string;
  /** Its device; all of them may share a namespace of names in /run. */
  readonly device: string;
}

const WIREGUARD_GO: Tunnel = {
  name: "wireguard-go",
  description: "WireGuard in user space, ChaCha20-Poly1305",
  programs: ["wireguard-go"],
  versionOf: "wireguard-go",
  start: (stage) => running(stage, startWireguard),
};

const OPENVPN: Tunnel = {
  name: "openvpn",
  description: "OpenVPN, TUN, UDP, AES-256-GCM, no kernel offload",
  programs: ["openvpn", "openssl"],
  versionOf: "openvpn",
  start: (stage) => running(stage, startOpenvpn),
};

const FASTD: Tunnel = {
  name: "fastd",
  description: "fastd, TAP, salsa2012+umac",
  programs: ["fastd"],
  versionOf: "fastd",
  start: (stage) => running(stage, startFastd),
};

const TINC: Tunnel = {
  name: "tinc",
  description: "tinc, TAP, its default cipher",
  programs: ["tincd"],
  versionOf: "tincd",
  start: (stage) => running(stage, startTinc),
};

export const OTHERS: readonly Tunnel[] = [WIREGUARD_GO, OPENVPN, FASTD, TINC];

type StartEnds = (ends: readonly [End, End], folder: string) => Promise<[Daemon, Daemon]>;

async function running(stage: Stage, startEnds: StartEnds): Promise<RunningTunnel> {
  const folder = mkdtempSync(join(tmpdir(), `wanbond-bench-${process.pid}-`));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.on("exit", removeFolder);
  const near: End = { name: "near", namespace: stage.near, link: NEAR_LINK, inner: NEAR_INNER, device: deviceOf("n") };
  const far: End = { name: "far", namespace: stage.far, link: FAR_LINK, inner: FAR_INNER, device: deviceOf("f") };
  const daemons = await startEnds([near, far], folder);
  const stop = async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    removeFolder();
    process.off("exit", removeFolder);
  };
  try {
    await daemons[0].reaches(stage.near, FAR_INNER);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: FAR_INNER, processes: { near: daemons[0].pid, far: daemons[1].pid }, stop };
}

function deviceOf(letter: string): string {
  return `wbb${process.pid}${letter}`;
}

/** Starts a daemon per end; both get their address when their device is there. */
async function both(
  ends: readonly [End, End],
  command: (end: End, other: End) => readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<[Daemon, Daemon]> {
  const [near, far] = ends;
  const daemons: [Daemon, Daemon] = [
    new Daemon(near.namespace, command(near, far), env),
    new Daemon(far.namespace, command(far, near), env),
  ];
  await daemons[0].makes(near.namespace, near.device);
  await daemons[1].makes(far.namespace, far.device);
  return daemons;
}

async function address(ends: readonly [End, End]): Promise<void> {
  for (const { namespace, inner, device } of ends) {
    await namespace.ip(`addr add ${inner}/24 dev ${device}`, `link set ${device} up`);
  }
}

async function startWireguard(ends: readonly [End, End]): Promise<[Daemon, Daemon]> {
  const daemons = await both(ends, ({ device }) => ["wireguard-go", "-f", device], { WG_PROCESS_FOREGROUND: "1" });
  const [near, far] = ends;
  const keys = { near: x25519Pair(), far: x25519Pair() };
  for (const [own, other] of [
    [near, far],
    [far, near],
  ] as const) {
    await configureWireguard(own.device, [
      `private_key=${keys[own.name].privateHex}`,
      `listen_port=${PORT}`,
      `public_key=${keys[other.name].publicHex}`,
      `endpoint=${other.link}:${PORT}`,
      "allowed_ip=0.0.0.0/0",
    ]);
  }
  await address(ends);
  return daemons;
}

function x25519Pair(): { privateHex: string; publicHex: string } {
  const jwk = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  const hex = (text: string | undefined) => Buffer.from(text ?? "", "base64url").toString("hex");
  return { privateHex: hex(jwk.d), publicHex: hex(jwk.x) };
}

/** By the protocol that `wg` speaks with it. */
function configureWireguard(device: string, settings: readonly string[]): Promise<void> {
  const path = `/var/run/wireguard/${device}.sock`;
  process.on("exit", () => rmSync(path, { force: true })); // A killed daemon leaves it behind.
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => socket.write(`set=1\n${settings.join("\n")}\n\n`));
    socket.on("error", reject);
    socket.on("data", (answer) => {
      socket.destroy();
      if (answer.toString().startsWith("errno=0\n")) resolve();
      else reject(new Error(`wireguard-go refuses its configuration: ${answer.toString()}`));
    });
  });
}

async function startOpenvpn(ends: readonly [End, End], folder: string): Promise<[Daemon, Daemon]> {
  const fingerprints = { near: await makeCertificate(folder, "near"), far: await makeCertificate(folder, "far") };
  const daemons = await both(ends, (own, other) => [
    "openvpn",
    ...["--dev", own.device, "--dev-type", "tun", "--proto", "udp", "--disable-dco", "--verb", "1"],
    ...["--local", own.link, "--port", String(PORT), "--remote", other.link],
    ...["--ifconfig", own.inner, other.inner, "--data-ciphers", "AES-256-GCM"],
    ...["--cert", join(folder, `${own.name}.pem`), "--key", join(folder, `${own.name}.key`)],
    ...["--peer-fingerprint", fingerprints[other.name]],
    ...(own.name === "far" ? ["--tls-server", "--dh", "none"] : ["--tls-client"]),
  ]);
  return daemons;
}

/** @returns the fingerprint by which the other end knows it. */
async function makeCertificate(folder: string, name: string): Promise<string> {
  const certificate = join(folder, `${name}.pem`);
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const files = ["-keyout", join(folder, `${name}.key`), "-out", certificate];
  await execute(["openssl", "req", "-x509", ...kind, ...files, "-subj", `/CN=${name}`]);
  return new X509Certificate(readFileSync(certificate)).fingerprint256;
}

async function startFastd(ends: readonly [End, End], folder: string): Promise<[Daemon, Daemon]> {
  const keys = { near: await fastdKeys(), far: await fastdKeys() };
  const daemons = await both(ends, (own, other) => {
    const file = join(folder, `${own.name}.conf`);
    writeFileSync(
      file,
      [
        `mode tap; interface "${own.device}"; method "salsa2012+umac"; mtu 1406;`,
        `bind ${own.link}:${PORT}; secret "${keys[own.name].secret}";`,
        `peer "${other.name}" { key "${keys[other.name].publicKey}"; remote ${other.link}:${PORT}; }`,
      ].join("\n"),
      { mode: 0o600 },
    );
    return ["fastd", "--config", file, "--log-level", "warn"];
  });
  await address(ends);
  return daemons;
}

async function fastdKeys(): Promise<{ secret: string; publicKey: string }> {
  const output = await execute(["fastd", "--generate-key"]);
  const value = (label: string) => new RegExp(`${label}: ([0-9a-f]{64})`).exec(output)?.[1] ?? "";
  return { secret: value("Secret"), publicKey: value("Public") };
}

async function startTinc(ends: readonly [End, End], folder: string): Promise<[Daemon, Daemon]> {
  const [near, far] = ends;
  for (const [own, other] of [
    [near, far],
    [far, near],
  ] as const) {
    await writeTincConfiguration(folder, own, other);
  }
  for (const { name } of ends) {
    for (const other of ends) {
      const key = readFileSync(join(folder, other.name, "hosts", other.name));
      writeFileSync(join(folder, name, "hosts", other.name), key);
    }
  }
  const daemons = await both(ends, ({ name }) => {
    const home = join(folder, name);
    return ["tincd", "-c", home, "-D", `--pidfile=${join(home, "pid")}`];
  });
  await address(ends);
  return daemons;
}

async function writeTincConfiguration(folder: string, own: End, other: End): Promise<void> {
  const home = join(folder, own.name);
  mkdirSync(join(home, "hosts"), { recursive: true });
  const settings = {
    Name: own.name,
    Mode: "switch",
    DeviceType: "tap",
    Interface: own.device,
    AddressFamily: "ipv4",
    BindToAddress: `${own.link} ${PORT}`,
    ConnectTo: other.name,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  writeFileSync(join(home, "tinc.conf"), lines.join(""));
  writeFileSync(join(home, "hosts", own.name), `Address = ${own.link}\nPort = ${PORT}\n`);
  await execute(["tincd", "-c", home, "-K2048"]);
}
