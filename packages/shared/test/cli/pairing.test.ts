import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import {
  type ControlServer,
  EventRing,
  type InviteRequest,
  type PairingControl,
  startControlServer,
} from "../../src/control/index.ts";
import { WanbondError } from "../../src/errors.ts";
import { temporaryFolder } from "../config/support.ts";
import { recordingShell } from "./support.ts";

const TIME = "2026-05-01T10:20:30.000Z";
const asked: (InviteRequest | string)[] = [];

/** A concentrator's answers, without one. */
const pairing: PairingControl = {
  invite: async (request) => {
    asked.push(request);
    return {
      name: request.name,
      invite: "wb1:AbC",
      expires: TIME,
      endpoints: ["203.0.113.10:51900"],
      qr: "█ ▀\n▄ █\n",
    };
  },
  clients: async () => ({
    clients: [
      {
        name: "home1",
        origin: "joined",
        address: ["10.200.0.2/32"],
        lan: ["192.168.50.0/24"],
        state: "up",
        lastSeen: TIME,
        endpoints: ["198.51.100.7:4000"],
        since: TIME,
      },
    ],
    invites: [{ name: "home2", lan: [], created: TIME, expires: TIME }],
  }),
  revoke: async (name) => {
    if (name !== "home1") throw new WanbondError("WB_UNKNOWN_CLIENT", 65, `There is no client ${name}.`);
    return { name, revoked: "client" };
  },
};

describe("pairing at the command line", () => {
  let server: ControlServer | undefined;
  afterEach(async () => {
    await server?.close();
    asked.length = 0;
  });

  async function wanbond(...args: string[]) {
    const folder = temporaryFolder();
    const socketPath = join(folder, "concentrator.sock");
    const source = {
      read: () => Promise.reject(new Error("not asked")),
      history: () => Promise.reject(new Error()),
      pairing,
    };
    server = await startControlServer({ socketPath, source, events: new EventRing() });
    const shell = recordingShell({ stateDirectory: () => folder });
    const status = await runCli(args, shell);
    await server.close();
    server = undefined;
    return { status, ...shell.written, ran: shell.ran };
  }

  it("invite prints the line first, then the code", async () => {
    const { status, out } = await wanbond(
      "concentrator",
      "invite",
      "home1",
      "--lan",
      "192.168.1.0/24",
      "--lan=10.1.0.0/16",
      "--expires",
      "2h",
    );
    expect([status, out]).toEqual([0, "wb1:AbC\n\n█ ▀\n▄ █\n"]);
    expect(asked).toEqual([{ name: "home1", lan: ["192.168.1.0/24", "10.1.0.0/16"], lifeS: 7200 }]);
    expect((await wanbond("concentrator", "invite", "home1", "--no-qr")).out).toBe("wb1:AbC\n");
    const json = JSON.parse((await wanbond("concentrator", "invite", "home1", "--json")).out);
    expect(json).toEqual({ name: "home1", invite: "wb1:AbC", expires: TIME, endpoints: ["203.0.113.10:51900"] });
  });

  it("invite refuses times and names that make no sense", async () => {
    for (const time of ["5", "1s", "31d", "soon"]) {
      expect(await wanbond("concentrator", "invite", "home1", "--expires", time)).toMatchObject({
        status: 64,
        error: expect.stringContaining("--expires"),
      });
    }
    expect(await wanbond("concentrator", "invite", "no name")).toMatchObject({
      status: 64,
      error: expect.stringContaining("is no name"),
    });
  });

  it("clients and revoke", async () => {
    const { out } = await wanbond("concentrator", "clients");
    expect(out).toMatch(/CLIENT +FROM +STATE +ADDRESS +LAN +LAST SEEN +ENDPOINTS +SINCE/);
    expect(out).toMatch(
      /home1 +joined +up +10\.200\.0\.2\/32 +192\.168\.50\.0\/24 +2026-05-01 10:20Z +198\.51\.100\.7:4000/,
    );
    expect(out).toMatch(/home2 +2026-05-01 10:20Z +-/);
    expect(JSON.parse((await wanbond("concentrator", "clients", "--json")).out).clients).toHaveLength(1);
    expect((await wanbond("concentrator", "revoke", "home1")).out).toBe("home1 is out: its session is closed\n");
    expect(await wanbond("concentrator", "revoke", "x")).toMatchObject({
      status: 65,
      error: "There is no client x.\n",
    });
  });

  it("init and join pass on what was typed", async () => {
    const init = await wanbond(
      "concentrator",
      "init",
      "--listen",
      "0.0.0.0:1,[::]:1",
      "--endpoint",
      "vpn.example.net:1",
      "--no-start",
    );
    expect(JSON.parse(init.ran[0]?.slice(5) ?? "")).toMatchObject({
      configPath: "/etc/wanbond/concentrator.toml",
      listen: ["0.0.0.0:1", "[::]:1"],
      endpoints: ["vpn.example.net:1"],
      address: [],
      tap: "wb0",
      force: false,
    });
    expect(init.out).toContain("! a hint\n");
    const joined = await wanbond("client", "join", "wb1:x", "--config", "/tmp/c.toml", "--lan", "none", "--run");
    expect(JSON.parse(joined.ran[0]?.slice(5) ?? "")).toMatchObject({
      invite: "wb1:x",
      configPath: "/tmp/c.toml",
      lan: [],
    });
    expect(joined.ran[1]).toBe("client /tmp/c.toml");
    const plain = await wanbond("client", "join", "wb1:x", "--config", "/tmp/c.toml");
    expect(plain.out).toContain("! a warning\n");
    expect(plain.out).toContain("Now start it: wanbond client run --config /tmp/c.toml\n");
    expect(JSON.parse(plain.ran[0]?.slice(5) ?? "").lan).toBeNull();
  });

  it("says which command was meant, and which there are", async () => {
    expect((await wanbond("concentrator", "revok", "home1")).error).toContain('Did you mean "revoke"?');
    expect((await wanbond("client")).error).toContain("join or run");
    expect((await wanbond("concentrator", "--help")).out).toMatch(/ init [\s\S]* invite <name>[\s\S]* revoke <name>/);
  });
});
