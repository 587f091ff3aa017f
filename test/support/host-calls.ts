/** What a Host can be asked to do, and what it answers: JSON lines between host.ts and host-main.ts. */
export interface HostCalls {
  /** Serves all other calls, over TCP and UDP, IPv4 and IPv6. */
  serve(options: { port: number }): Promise<null>;
  /** Moves random bytes over one TCP connection. */
  transfer(options: TransferOptions): Promise<TransferResult>;
  /** Sends a datagram, again and again, until the same comes back. */
  datagram(options: DatagramOptions): Promise<DatagramResult>;
  /** Opens a TCP connection; answers with its number. */
  connect(options: { address: string; port: number }): Promise<number>;
  /** Only listens to a server that never stops talking. @throws Error with how it ended */
  listen(options: { address: string; port: number }): Promise<never>;
  disconnect(options: { connection: number }): Promise<null>;
  /** Sends a word on a connection and waits until it comes back. */
  echo(options: { connection: number; word: string; deadlineMs: number }): Promise<null>;
}

export interface TransferOptions {
  readonly address: string;
  readonly port: number;
  readonly sizeBytes: number;
  /** Up: towards the server. */
  readonly direction: "up" | "down";
}

interface TransferResult {
  /** Both sides have hashed the same bytes. */
  readonly intact: boolean;
  /** The address that the server saw. */
  readonly seenFrom: string;
}

export interface DatagramOptions {
  readonly address: string;
  readonly port: number;
  readonly sizeBytes: number;
  readonly deadlineMs: number;
}

interface DatagramResult {
  readonly intact: boolean;
  readonly seenFrom: string;
}
