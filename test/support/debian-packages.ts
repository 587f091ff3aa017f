import { spawnSync } from "node:child_process";

/** The compilers, containers and tools that the tests of the packages call; on other systems than Debian they skip themselves. */
const NEEDED = [
  "debootstrap",
  "systemd-container",
  "dpkg-dev",
  "curl",
  "python3",
  "qemu-user-static",
  "g++-aarch64-linux-gnu",
  "g++-arm-linux-gnueabihf",
  "binutils-aarch64-linux-gnu",
  "binutils-arm-linux-gnueabihf",
];

/** Why tests that need packages of Debian cannot run here; empty when they can. Installs what is missing, as root. */
export function missingForDebian(needed: readonly string[] = NEEDED): string {
  if (process.getuid?.() !== 0) return "needs root";
  if (spawnSync("apt-get", ["--version"]).error !== undefined) return "needs a Debian host";
  const missing = needed.filter((name) => !isInstalled(name));
  if (missing.length === 0) return "";
  console.error(`setup: installing ${missing.join(" ")}`);
  const install = () => apt("install", "-y", "--no-install-recommends", ...missing);
  if (install() || (apt("update") && install())) return "";
  return `apt-get install ${missing.join(" ")} failed`;
}

function isInstalled(name: string): boolean {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own way of naming a field
  const asked = spawnSync("dpkg-query", ["-W", "-f", "${Status}", name], { encoding: "utf8" });
  return asked.stdout.endsWith(" installed");
}

function apt(...parameters: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("nice", ["-n", "10", "apt-get", "-qq", ...parameters], { env, stdio: "ignore" }).status === 0;
}
