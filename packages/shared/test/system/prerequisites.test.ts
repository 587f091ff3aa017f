import { describe, expect, it } from "vitest";
import {
  CommandError,
  createRunner,
  findMissingPrerequisites,
  type Runner,
  requirePrerequisites,
} from "../../src/system/index.ts";

const link = { ifname: "eth0", ifindex: 2, flags: ["UP"], mtu: 1500 };
const runner: Runner = {
  run: async () => JSON.stringify([link]),
  readSetting: async () => null,
  writeSetting: async () => {},
};

describe("prerequisites", () => {
  it("that are missing are all told at once", async () => {
    const faults = await findMissingPrerequisites(runner, { programs: [], devices: ["eth0", "eth7", "wlan9"] });
    const devices = faults.filter(({ code }) => code === "WB_NO_DEVICE").map(({ message }) => message);
    expect(devices).toEqual([
      "There is no device eth7. Devices of this host: eth0.",
      "There is no device wlan9. Devices of this host: eth0.",
    ]);
  });

  it("make one fault of many lines, with the code of the first", async () => {
    const wanted = { programs: [], devices: ["eth7", "wlan9"] };
    const [first, ...others] = await findMissingPrerequisites(runner, wanted);
    const fault = await requirePrerequisites(runner, wanted).catch((error: unknown) => error);
    const message = [first, ...others].map((each) => each?.message).join("\n");
    expect(fault).toMatchObject({ code: first?.code, exitCode: first?.exitCode, message });
  });

  it("that are met say nothing", async () => {
    const faults = await findMissingPrerequisites(runner, { programs: ["ip"], devices: ["eth0"] });
    expect(faults.filter(({ code }) => code === "WB_NO_PROGRAM" || code === "WB_NO_DEVICE")).toEqual([]);
  });
});

describe("a runner", () => {
  it("tells what was run and what it said", async () => {
    const fault = await createRunner()
      .run("ip", ["link", "show", "dev", "wb-nowhere"])
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(CommandError);
    expect(fault).toMatchObject({ code: "WB_COMMAND", isGone: true, message: expect.stringContaining("wb-nowhere") });
  });

  it("takes a setting that does not exist for none", async () => {
    expect(await createRunner().readSetting("net/ipv4/conf/wb-nowhere/rp_filter")).toBeNull();
    await expect(createRunner().writeSetting("net/ipv4/conf/wb-nowhere/rp_filter", "2")).rejects.toThrow("rp_filter");
  });
});
