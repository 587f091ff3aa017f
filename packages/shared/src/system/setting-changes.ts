import type { Before, ChangeOf } from "./change.ts";
import type { Runner } from "./command.ts";
import type { ChangeHandler } from "./handler.ts";
import { readLinks } from "./kernel-state.ts";

/** None of these has an isPresent: reading a setting costs nothing, so apply itself looks whether there is anything to do. */
export const settingHandler: ChangeHandler<ChangeOf<"setting">> = {
  before: (runner, { path }) => remember(runner, path),
  apply: async (runner, { path, value, onlyFrom }) => {
    if ((await runner.readSetting(path)) === onlyFrom) await runner.writeSetting(path, value);
  },
  undo: (runner, { path, value }, before) => restore(runner, path, value, before),
};

/** The kernel filters by the larger of `all` and the device's own value: 1 is strict, 2 loose (ip-sysctl, rp_filter). */
export const reversePathHandler: ChangeHandler<ChangeOf<"reverse-path">> = {
  before: (runner, { device }) => remember(runner, reversePath(device)),
  apply: async (runner, { device }) => {
    const all = await runner.readSetting(reversePath("all"));
    const own = await runner.readSetting(reversePath(device));
    if (own !== null && Math.max(Number(all), Number(own)) === 1) await runner.writeSetting(reversePath(device), "2");
  },
  undo: (runner, { device }, before) => restore(runner, reversePath(device), "2", before),
};

/**
 * Forwarding of one family. The kernel sets every device when the switch for all is moved (ip-sysctl, ip_forward), so
 * the devices that forwarded before are remembered one by one.
 */
export const forwardingHandler: ChangeHandler<ChangeOf<"forwarding">> = {
  before: async (runner, { family }) => {
    if ((await runner.readSetting(switchOf(family))) !== "0") return {};
    const devices = (await readLinks(runner)).map(({ name }) => `net/ipv${family}/conf/${name}/forwarding`);
    const others = [`net/ipv${family}/conf/default/forwarding`];
    if (family === 4) others.push("net/ipv4/conf/all/accept_redirects"); // moved by the same switch
    const paths = [...devices, ...others];
    const values = await Promise.all(paths.map(async (path) => [path, await runner.readSetting(path)]));
    return Object.fromEntries([[switchOf(family), "0"], ...values.filter(([, value]) => value !== null)]);
  },
  apply: async (runner, { family }) => {
    if ((await runner.readSetting(switchOf(family))) === "0") await runner.writeSetting(switchOf(family), "1");
  },
  undo: async (runner, { family }, before) => {
    const { [switchOf(family)]: was, ...rest } = before;
    if (was !== "0" || (await runner.readSetting(switchOf(family))) !== "1") return;
    await runner.writeSetting(switchOf(family), "0");
    for (const [path, value] of Object.entries(rest)) await writeIfOther(runner, path, value);
  },
};

function switchOf(family: 4 | 6): string {
  return family === 4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
}

function reversePath(device: string): string {
  return `net/ipv4/conf/${device}/rp_filter`;
}

async function remember(runner: Runner, path: string): Promise<Before> {
  const value = await runner.readSetting(path);
  return value === null ? {} : { value };
}

/** Writes the earlier value back if the present one is ours. */
async function restore(runner: Runner, path: string, ours: string, before: Before): Promise<void> {
  const earlier = before["value"];
  if (earlier !== undefined && (await runner.readSetting(path)) === ours) await writeIfOther(runner, path, earlier);
}

async function writeIfOther(runner: Runner, path: string, value: string): Promise<void> {
  const present = await runner.readSetting(path);
  if (present !== null && present !== value) await runner.writeSetting(path, value);
}
