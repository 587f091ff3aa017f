import type { ClientConfig } from "@wanbond/shared/config";
import type { EventLog } from "@wanbond/shared/control";
import { type ForwarderThread, native } from "@wanbond/shared/io";
import { MAX_PATHS, parseEndpoint, sameEndpoint } from "@wanbond/shared/wire";
import { EndpointNames } from "./endpoint-names.ts";
import type { ResolvedUplink } from "./uplink-discovery.ts";

type EndpointConfig = ClientConfig["concentrators"][number]["endpoints"][number];

/** Room in each of a socket's buffers: half a second of 60 Mbit/s. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** What one uplink has to do with one address of the concentrator; its number is the member's in the bond. */
interface UplinkPath {
  readonly number: number;
  readonly uplink: string;
  readonly endpoint: EndpointConfig;
  /** What the socket is bound to; another key means another socket. null: there is none. */
  boundTo: string | null;
  socket: number;
  record: Int32Array | null;
  device: string;
  local: string;
  metered: boolean;
  /** The forwarder knows this path. */
  added: boolean;
}

/** What is known of an uplink beforehand. */
export interface UplinkTraits {
  readonly metered: boolean;
  /** "auto": the device's. */
  readonly mtu: number | "auto";
  /** What the far end is told when it attaches the path. */
  readonly attachJson: string;
}

/**
 * The sockets and paths of all uplinks: every usable uplink has one socket per address of the concentrator, bound to its
 * device and source address. A path lives as long as the program; its socket comes and goes with the uplink.
 */
export class UplinkPaths {
  readonly #addon = native();
  readonly #thread: ForwarderThread;
  readonly #log: EventLog;
  readonly #peerId: number;
  readonly #endpoints: readonly EndpointConfig[];
  readonly #traitsOf: (uplink: ResolvedUplink) => UplinkTraits;
  readonly #names: EndpointNames;
  readonly #paths: UplinkPath[] = [];

  /** @param namesChanged a name of the concentrator has got other addresses: update is due. */
  constructor(
    thread: ForwarderThread,
    log: EventLog,
    peerId: number,
    endpoints: readonly EndpointConfig[],
    traitsOf: (uplink: ResolvedUplink) => UplinkTraits,
    namesChanged: () => void,
  ) {
    this.#thread = thread;
    this.#log = log;
    this.#peerId = peerId;
    this.#endpoints = endpoints;
    this.#traitsOf = traitsOf;
    this.#names = new EndpointNames(log, namesChanged);
  }

  /** Opens, moves and closes sockets until they fit the uplinks. @returns whether any path got a new socket. */
  update(uplinks: readonly ResolvedUplink[]): boolean {
    let opened = false;
    for (const path of this.#paths) {
      if (!uplinks.some((uplink) => uplink.name === path.uplink)) this.#close(path);
    }
    for (const uplink of uplinks) {
      for (const endpoint of this.#endpoints) {
        const path = this.#pathOf(uplink.name, endpoint);
        if (path !== undefined && this.#fit(path, uplink)) opened = true;
      }
    }
    return opened;
  }

  /**
   * A handshake datagram goes out on every path there is: the first copy that arrives is answered.
   *
   * @param sparing nobody waits for it: it goes out on metered uplinks only when there are no others.
   */
  sendHandshake(bytes: Uint8Array, sparing = false): void {
    const open = this.#paths.filter(({ socket }) => socket >= 0);
    const free = open.filter(({ metered }) => !metered);
    for (const { socket, record } of sparing && free.length > 0 ? free : open) {
      if (record !== null) this.#thread.send({ type: "send-raw", socket, endpoint: record, bytes });
    }
  }

  factsOf(pathNumber: number): { device: string | null; local: string | null } {
    const path = this.#paths[pathNumber];
    return path === undefined ? { device: null, local: null } : { device: path.device, local: path.local };
  }

  /** How the concentrator is reached over an uplink: a record. null: not at all at present. */
  endpointOf(uplink: string): Int32Array | null {
    return this.#paths.find((path) => path.uplink === uplink && path.boundTo !== null)?.record ?? null;
  }

  /** For the end: the forwarder does not run any more. */
  closeAll(): void {
    this.#names.stop();
    for (const path of this.#paths) if (path.socket >= 0) this.#addon.close(path.socket);
  }

  #pathOf(uplink: string, endpoint: EndpointConfig): UplinkPath | undefined {
    const known = this.#paths.find((path) => path.uplink === uplink && path.endpoint === endpoint);
    if (known !== undefined) return known;
    const number = this.#paths.length;
    if (number >= MAX_PATHS) return undefined;
    const path: UplinkPath = {
      number,
      uplink,
      endpoint,
      boundTo: null,
      socket: -1,
      record: null,
      device: "",
      local: "",
      metered: false,
      added: false,
    };
    this.#paths.push(path);
    return path;
  }

  #fit(path: UplinkPath, uplink: ResolvedUplink): boolean {
    if (uplink.unusable !== null) {
      this.#close(path);
      return false;
    }
    const remote = this.#remoteOf(path, uplink);
    if (remote === null) {
      this.#close(path);
      return false;
    }
    const family = remote[0] === 6 ? 6 : 4;
    const source = (family === 6 ? uplink.ipv6 : uplink.ipv4)?.source ?? "";
    const boundTo = `${uplink.index} ${source} ${uplink.mtu} ${remote.join(",")}`;
    if (boundTo === path.boundTo) return false;
    this.#close(path);
    return this.#open(path, uplink, { family, source, boundTo, remote });
  }

  #open(
    path: UplinkPath,
    uplink: ResolvedUplink,
    wanted: { family: 4 | 6; source: string; boundTo: string; remote: Int32Array },
  ): boolean {
    const { family, source } = wanted;
    try {
      const options = { family, device: uplink.device, address: source, port: 0, gro: true, packetInfo: false };
      const opened = this.#addon.udpOpen({ ...options, bufferBytes: SOCKET_BUFFER_BYTES });
      path.socket = opened.fd;
      if (!opened.gso) {
        this.#log.info({ event: "no-udp-gso", uplink: uplink.name }, "the kernel sends datagrams one by one here");
      }
    } catch (error) {
      // The address may be gone again by now; the next look at the uplinks tells.
      const problem = error instanceof Error ? error.message : String(error);
      this.#log.warn(
        { event: "uplink-socket-failed", uplink: uplink.name, source, problem },
        "no socket on this uplink",
      );
      return false;
    }
    path.boundTo = wanted.boundTo;
    path.record = wanted.remote;
    path.device = uplink.device;
    path.local =
      family === 6
        ? `[${source}]:${this.#addon.localPort(path.socket)}`
        : `${source}:${this.#addon.localPort(path.socket)}`;
    this.#tell(path, uplink);
    return true;
  }

  #tell(path: UplinkPath, uplink: ResolvedUplink): void {
    const { socket, number: pathNumber, record } = path;
    if (record === null) return;
    const traits = this.#traitsOf(uplink);
    path.metered = traits.metered;
    const deviceMtu = traits.mtu === "auto" ? (uplink.mtu ?? 1500) : traits.mtu;
    const place = { peerId: this.#peerId, pathNumber, socket, endpoint: record, deviceMtu: Math.min(1500, deviceMtu) };
    this.#thread.send({ type: "add-socket", socket });
    if (path.added) {
      this.#thread.send({ type: "move-path", ...place });
      return;
    }
    path.added = true;
    const { metered, attachJson } = traits;
    const options = { ...place, name: uplink.name, metered, told: {}, attachJson, attachMessageId: 0 };
    this.#thread.send({ type: "add-path", options });
  }

  #close(path: UplinkPath): void {
    const { socket, number: pathNumber } = path;
    if (socket < 0) return;
    this.#thread.send({ type: "path-interface", peerId: this.#peerId, pathNumber, up: false });
    this.#thread.send({ type: "remove-socket", socket });
    path.socket = -1;
    path.boundTo = null;
  }

  /** @returns the endpoint as this uplink can reach it; null while its name has no address or no family in common. */
  #remoteOf({ endpoint, record: present }: UplinkPath, uplink: ResolvedUplink): Int32Array | null {
    const { host, port, family } = endpoint;
    const addresses = family === null ? this.#names.addressesOf(host) : [{ address: host, family }];
    const families = [uplink.ipv4 === null ? [] : [4], uplink.ipv6 === null ? [] : [6]].flat();
    const found = families
      .flatMap((wanted) => addresses.filter((each) => each.family === wanted))
      .map((each) => record(each.address, each.family, port));
    // The one in use stays, whatever the resolver's order is today.
    const isPresent = (each: Int32Array | null) =>
      each !== null && present !== null && sameEndpoint(each, 0, present, 0);
    return found.find(isPresent) ?? found[0] ?? null;
  }
}

function record(host: string, family: number, port: number): Int32Array | null {
  return parseEndpoint(family === 6 ? `[${host}]:${port}` : `${host}:${port}`);
}
