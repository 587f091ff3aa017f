import type { ChangeOf } from "./change.ts";
import type { Runner } from "./command.ts";
import type { ChangeHandler } from "./handler.ts";
import { type LinkFact, readLinks } from "./kernel-state.ts";

type LinkChange = ChangeOf<"link">;

export const linkHandler: ChangeHandler<LinkChange> = {
  before: async (runner, change) => {
    const value = await readValue(runner, change);
    return value === null ? {} : { value };
  },
  apply: async (runner, change, before) => {
    if (before["value"] === undefined && change.setting === "addrgenmode") return; // no IPv6 here
    await setValue(runner, change, change.value);
  },
  undo: async (runner, change, before) => {
    const value = before["value"];
    if (value === undefined || value === change.value) return;
    if ((await readValue(runner, change)) === change.value) await setValue(runner, change, value);
  },
  isPresent: (snapshot, change) => {
    const link = snapshot.links.find(({ name }) => name === change.device);
    const value = link === undefined ? null : valueIn(link, change.setting);
    return value === change.value || (link !== undefined && value === null);
  },
};

export const bridgeHandler: ChangeHandler<ChangeOf<"bridge">> = {
  before: async (runner, { device }) => ((await findLink(runner, device)) === undefined ? {} : { existed: "yes" }),
  apply: async (runner, { device }) => {
    if ((await findLink(runner, device)) !== undefined) return;
    await runner.run("ip", ["link", "add", device, "type", "bridge"]);
    await runner.run("ip", ["link", "set", "dev", device, "up"]);
  },
  undo: async (runner, { device }, before) => {
    if (before["existed"] !== undefined) return;
    const links = await readLinks(runner);
    const isInUse = links.some(({ master }) => master === device); // somebody has put ports of his own into it
    if (!isInUse && links.some(({ name }) => name === device)) await runner.run("ip", ["link", "del", "dev", device]);
  },
  isPresent: (snapshot, { device }) => snapshot.links.some(({ name }) => name === device),
};

async function findLink(runner: Runner, device: string): Promise<LinkFact | undefined> {
  return (await readLinks(runner)).find(({ name }) => name === device);
}

/** null when the device is gone or has no such setting. */
async function readValue(runner: Runner, change: LinkChange): Promise<string | null> {
  const link = await findLink(runner, change.device);
  return link === undefined ? null : valueIn(link, change.setting);
}

function valueIn(link: LinkFact, setting: LinkChange["setting"]): string | null {
  switch (setting) {
    case "mtu":
      return String(link.mtu);
    case "txqueuelen":
      return String(link.queueFrames);
    case "arp":
      return link.arp ? "on" : "off";
    case "addrgenmode":
      return link.addrGenMode;
    case "master":
      return link.master ?? "";
    case "state":
      return link.up ? "up" : "down";
  }
}

async function setValue(runner: Runner, { device, setting }: LinkChange, value: string): Promise<void> {
  await runner.run("ip", ["link", "set", "dev", device, ...settingArguments(setting, value)]);
}

function settingArguments(setting: LinkChange["setting"], value: string): string[] {
  if (setting === "state") return [value];
  if (setting === "master") return value === "" ? ["nomaster"] : ["master", value];
  return [setting, value];
}
