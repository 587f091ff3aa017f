/**
 * The process of host.ts: reads calls as lines of JSON on standard input, each answered by a line { id, result } or
 * { id, error }, and ends with its standard input.
 *
 * The server's protocol: a client says in its first line what it wants: "take N", "give N", "echo" or "talk". "take" and
 * "give" are answered by a line { sha256, seenFrom } after or before the bytes, "talk" by a line now and then without end.
 * A datagram is answered by itself, after a line with the address it came from.
 */
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createConnection, createServer, isIPv6, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { DatagramOptions, HostCalls, TransferOptions } from "./host-calls.ts";

const CHUNK_BYTES = 65_536;
/** A datagram is sent again this often: the first may be lost, as IPv6 ones are that are too big for the path. */
const DATAGRAM_INTERVAL_MS = 200;
const TALK_INTERVAL_MS = 50;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const plain = (address: string): string => address.replace(/^::ffff:/, "");

/** Reads a stream by lines and by numbers of bytes. */
class Reader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0)
        return this.#take(end + 1)
          .toString()
          .trimEnd();
      await this.#more();
    }
  }

  /** @returns the hash of the next bytes. */
  async hash(sizeBytes: number): Promise<string> {
    const hash = createHash("sha256");
    for (let left = sizeBytes; left > 0; ) {
      if (this.#rest.length === 0) await this.#more();
      const bytes = this.#take(Math.min(left, this.#rest.length));
      hash.update(bytes);
      left -= bytes.length;
    }
    return hash.digest("hex");
  }

  #take(sizeBytes: number): Buffer {
    const bytes = this.#rest.subarray(0, sizeBytes);
    this.#rest = this.#rest.subarray(sizeBytes);
    return bytes;
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#chunks.next();
    if (done === true) throw new Error("the connection ended early");
    this.#rest = Buffer.concat([this.#rest, value]);
  }
}

async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    if (!socket.write(bytes.subarray(at, at + CHUNK_BYTES))) await once(socket, "drain");
  }
}

async function serveConnection(socket: Socket): Promise<void> {
  const reader = new Reader(socket);
  const [wish = "", size = "0"] = (await reader.line()).split(" ");
  const seenFrom = plain(socket.remoteAddress ?? "");
  if (wish === "echo") {
    for (;;) socket.write(`${await reader.line()}\n`);
  } else if (wish === "talk") {
    const talk = setInterval(() => socket.write("and so on\n"), TALK_INTERVAL_MS);
    socket.once("close", () => clearInterval(talk));
  } else if (wish === "take") {
    socket.write(`${JSON.stringify({ sha256: await reader.hash(Number(size)), seenFrom })}\n`);
  } else {
    const bytes = randomBytes(Number(size));
    socket.write(`${JSON.stringify({ sha256: sha256(bytes), seenFrom })}\n`);
    await write(socket, bytes);
  }
}

const connections: { readonly socket: Socket; readonly reader: Reader }[] = [];

async function connect(address: string, port: number): Promise<{ socket: Socket; reader: Reader }> {
  const socket = createConnection({ host: address, port });
  socket.setTimeout(20_000, () => socket.destroy(new Error(`nothing heard of ${address} for 20 s`)));
  socket.setNoDelay(true);
  await once(socket, "connect");
  return { socket, reader: new Reader(socket) };
}

async function withDeadline<T>(promise: Promise<T>, deadlineMs: number): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`nothing came back within ${deadlineMs} ms`)), deadlineMs).unref();
  });
  return Promise.race([promise, late]);
}

const calls: HostCalls = {
  async serve({ port }) {
    const server = createServer((socket) => {
      socket.on("error", () => undefined); // The other side tells its test.
      serveConnection(socket).catch(() => socket.destroy());
    });
    const datagrams = createSocket({ type: "udp6" });
    datagrams.on("message", (message, { address, port: from }) =>
      datagrams.send([`${plain(address)}\n`, message], from, address),
    );
    await Promise.all([
      once(server.listen({ port, host: "::" }), "listening"),
      once(datagrams.bind(port), "listening"),
    ]);
    return null;
  },

  async transfer({ address, port, sizeBytes, direction }: TransferOptions) {
    const { socket, reader } = await connect(address, port);
    try {
      const bytes = direction === "up" ? randomBytes(sizeBytes) : new Uint8Array(0);
      socket.write(`${direction === "up" ? "take" : "give"} ${sizeBytes}\n`);
      await write(socket, bytes);
      const said: { sha256: string; seenFrom: string } = JSON.parse(await reader.line());
      const own = direction === "up" ? sha256(bytes) : await reader.hash(sizeBytes);
      return { intact: own === said.sha256, seenFrom: said.seenFrom };
    } finally {
      socket.destroy();
    }
  },

  async datagram({ address, port, sizeBytes, deadlineMs }: DatagramOptions) {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    try {
      const bytes = randomBytes(sizeBytes);
      const answer = once(socket, "message");
      const repetition = setInterval(() => socket.send(bytes, port, address), DATAGRAM_INTERVAL_MS);
      socket.send(bytes, port, address);
      const [message]: Buffer[] = await withDeadline(answer, deadlineMs).finally(() => clearInterval(repetition));
      const end = message?.indexOf("\n") ?? -1;
      const intact = message?.subarray(end + 1).equals(bytes) ?? false;
      return { intact, seenFrom: message?.toString("utf8", 0, end) ?? "" };
    } finally {
      socket.close();
    }
  },

  async connect({ address, port }) {
    const connection = await connect(address, port);
    connection.socket.setTimeout(0);
    connection.socket.on("error", () => undefined); // The next echo fails.
    connection.socket.write("echo\n");
    return connections.push(connection) - 1;
  },

  async listen({ address, port }) {
    const { socket, reader } = await connect(address, port);
    socket.write("talk\n");
    try {
      for (;;) await reader.line();
    } finally {
      socket.destroy();
    }
  },

  async disconnect({ connection }) {
    connections[connection]?.socket.destroy();
    return null;
  },

  async echo({ connection, word, deadlineMs }) {
    const opened = connections[connection];
    if (opened === undefined) throw new Error(`there is no connection ${connection}`);
    opened.socket.write(`${word}\n`);
    const answer = await withDeadline(opened.reader.line(), deadlineMs);
    if (answer !== word) throw new Error(`"${answer}" came back in place of "${word}"`);
    return null;
  },
};

createInterface(process.stdin)
  .on("line", async (line) => {
    const { id, call, options } = JSON.parse(line);
    try {
      const result = await calls[call as keyof HostCalls](options as never);
      process.stdout.write(`${JSON.stringify({ id, result })}\n`);
    } catch (error) {
      process.stdout.write(
        `${JSON.stringify({ id, error: error instanceof Error ? error.message : String(error) })}\n`,
      );
    }
  })
  .on("close", () => process.exit(0));
