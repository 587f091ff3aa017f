import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import type { ClientConfig } from "@wanbond/shared/config";
import { native } from "@wanbond/shared/io";
import type { ResolvedUplink } from "../uplink/index.ts";

type Target = ClientConfig["fallback"]["check"][number];

/** An answer that takes longer is none. Shorter than the time between two checks. */
const TIMEOUT_MS = 900;
const BUFFER_BYTES = 16 * 1024;
/** Header and question of RFC 1035, section 4.1: one question, recursion desired; name servers of the root. */
const QUESTION = Buffer.from("0000" + "0100" + "0001000000000000" + "00" + "0002" + "0001", "hex");

/** Asks somebody on the internet over one uplink, whether it gets there: one small DNS query to each target in turn. */
export class UplinkChecks {
  readonly #targets: readonly Target[];
  readonly #nowMs: () => number;
  readonly #underWay = new Set<string>();
  /** How often each uplink has asked: the targets are asked in turn. */
  readonly #counts = new Map<string, number>();

  /** @param targets addresses, not names. */
  constructor(targets: readonly Target[], nowMs: () => number) {
    this.#targets = targets;
    this.#nowMs = nowMs;
  }

  /** @returns how long the answer took; null without one, undefined when the uplink is being asked already. */
  async ask(uplink: ResolvedUplink): Promise<number | null | undefined> {
    if (this.#underWay.has(uplink.name)) return undefined;
    this.#underWay.add(uplink.name);
    try {
      return await this.#askNext(uplink);
    } finally {
      this.#underWay.delete(uplink.name);
    }
  }

  async #askNext(uplink: ResolvedUplink): Promise<number | null> {
    const { device } = uplink;
    const target = this.#nextTarget(uplink);
    const address = (target?.family === 6 ? uplink.ipv6 : uplink.ipv4)?.source;
    if (target === undefined || address === undefined) return null;
    try {
      return await query(target, { device, address }, this.#nowMs);
    } catch {
      return null; // The address is gone again, or the device: the next look at the uplinks tells.
    }
  }

  /** By IPv4, where the uplink has it: that is what a household notices first. */
  #nextTarget({ name, ipv4 }: ResolvedUplink): Target | undefined {
    const [four, six] = [4, 6].map((wanted) => this.#targets.filter(({ family }) => family === wanted));
    const targets = (ipv4 !== null && four?.length !== 0 ? four : six) ?? [];
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    return targets[count % targets.length];
  }
}

/**
 * One query from an uplink's device and address, by which the kernel leads it there. Any answer proves that the way is
 * open, also the ICMP message that nobody listens there.
 *
 * @throws Error when the kernel refuses the socket.
 */
function query(
  { host, port, family }: Target,
  from: { readonly device: string; readonly address: string },
  nowMs: () => number,
): Promise<number | null> {
  const place = { ...from, family: family === 6 ? 6 : 4, port: 0 } as const;
  const { fd } = native().udpOpen({ ...place, bufferBytes: BUFFER_BYTES, gro: false, packetInfo: false });
  const socket = createSocket(family === 6 ? "udp6" : "udp4");
  const message = Buffer.concat([randomBytes(2), QUESTION.subarray(2)]);
  return new Promise((resolve) => {
    const startMs = nowMs();
    const finish = (rttMs: number | null) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => undefined); // What comes after the end is nobody's business.
      socket.close();
      resolve(rttMs);
    };
    const timer = setTimeout(() => finish(null), TIMEOUT_MS);
    socket.on("error", (error) => {
      finish("code" in error && error.code === "ECONNREFUSED" ? nowMs() - startMs : null);
    });
    socket.on("message", (answer) => {
      if (answer.subarray(0, 2).equals(message.subarray(0, 2))) finish(nowMs() - startMs);
    });
    socket.on("connect", () => socket.send(message));
    socket.bind({ fd }, () => socket.connect(port, host)); // The descriptor is the socket's from now on.
  });
}
