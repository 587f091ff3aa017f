import { describe, expect, it } from "vitest";
import { ServiceManager, serviceStatus } from "../../src/runtime/service-manager.ts";
import { SNAPSHOT } from "../control/support.ts";

describe("ServiceManager", () => {
  it("cares for nobody where no service manager listens", () => {
    expect(new ServiceManager({ WATCHDOG_USEC: "9000000" }).careMs).toBeNull();
  });

  it("fits three pings into the time that the watchdog allows", () => {
    expect(new ServiceManager({ NOTIFY_SOCKET: "/s", WATCHDOG_USEC: "9000000" }).careMs).toBe(3000);
  });

  it("leaves a watchdog to the process that it is meant for", () => {
    const environment = { NOTIFY_SOCKET: "/s", WATCHDOG_USEC: "9000000", WATCHDOG_PID: String(process.pid + 1) };
    expect(new ServiceManager(environment).careMs).toBe(10_000);
  });
});

describe("the line in systemctl status", () => {
  it("names the uplinks that a client can use", () => {
    expect(serviceStatus(SNAPSHOT)).toMatch(/^Connected, 1 of \d uplinks usable \(isp1\)\.$/);
    const bonds = SNAPSHOT.bonds.map((bond) => ({ ...bond, state: "connecting" as const, members: [] }));
    expect(serviceStatus({ ...SNAPSHOT, bonds })).toBe("Not connected, 0 of 0 uplinks usable.");
  });

  it("counts the clients of a concentrator", () => {
    const bonds = SNAPSHOT.bonds.flatMap((bond) => [bond, { ...bond, state: "down" as const }]);
    expect(serviceStatus({ ...SNAPSHOT, role: "concentrator", bonds })).toBe("1 of 2 clients connected.");
  });
});
