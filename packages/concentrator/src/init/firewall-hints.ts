import { readFileSync } from "node:fs";
import { CommandError, findInputRemedies, type Runner } from "@wanbond/shared/system";

/** What the machine's maker is called where a firewall of the provider stands before it, and what that firewall is called. */
const CLOUDS: readonly (readonly [RegExp, string])[] = [
  [/Amazon/, "the EC2 security group"],
  [/Google/, "the VPC firewall rules (gcloud compute firewall-rules)"],
  [/Microsoft/, "the Azure network security group"],
  [/OracleCloud|Oracle Corporation/, "the VCN security list"],
  [/DigitalOcean/, "the DigitalOcean cloud firewall, if there is one"],
  [/Hetzner/, "the Hetzner cloud firewall, if there is one"],
  [/Scaleway/, "the Scaleway security group"],
  [/Alibaba/, "the ECS security group"],
];
const VENDOR_FILES = ["/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/chassis_asset_tag"];

/** Sentences about firewalls that stand before the UDP port, with the command that opens it; only those that are there. */
export async function firewallHints(runner: Runner, port: number): Promise<string[]> {
  const commands = await inputRemedies(runner, port);
  return [
    ...commands.map((command) => `This host's firewall drops UDP ${port}. Open it: ${command}`),
    ...cloudHints(vendorText(), port),
  ];
}

export function cloudHints(vendor: string, port: number): string[] {
  const cloud = CLOUDS.find(([pattern]) => pattern.test(vendor));
  return cloud === undefined ? [] : [`The provider has a firewall of its own: let UDP ${port} in through ${cloud[1]}.`];
}

async function inputRemedies(runner: Runner, port: number): Promise<string[]> {
  try {
    return await findInputRemedies(runner, port);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return []; // We may not look; `wanbond doctor` and the first join tell.
  }
}

function vendorText(): string {
  return VENDOR_FILES.map((file) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return ""; // no such table on this machine
    }
  }).join(" ");
}
