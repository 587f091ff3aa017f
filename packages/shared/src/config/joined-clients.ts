import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { EX_CONFIG, WanbondError } from "../errors.ts";
import { errorCode } from "./document.ts";

const time = z.iso.datetime();
const key = z.string().length(44);

const JoinedClient = z.strictObject({
  name: z.string(),
  publicKey: key,
  address: z.array(z.string()),
  routes: z.array(z.string()),
  since: time,
});

const StoredInvite = z.strictObject({
  name: z.string(),
  /** Of the identity that the invite lends; its private key is not kept. */
  publicKey: key,
  presharedKey: key,
  /** Networks that the client gets; empty: what it finds itself. */
  lan: z.array(z.string()),
  created: time,
  expires: time,
  /** null: it may still be used, if it has not expired. */
  ended: z.strictObject({ how: z.enum(["used", "revoked"]), at: time, by: key.nullable() }).nullable(),
});

const Register = z.strictObject({
  version: z.literal(1),
  clients: z.array(JoinedClient),
  invites: z.array(StoredInvite),
});

/** A client that joined by an invite. */
export type JoinedClient = z.infer<typeof JoinedClient>;
export type StoredInvite = z.infer<typeof StoredInvite>;
/** What a concentrator keeps beside its configuration file, which it never writes to. */
export type Register = z.infer<typeof Register>;

/** Where a concentrator keeps it. */
export function registerFile(concentrator: { readonly dataDirectory: string; readonly tap: string }): string {
  return join(concentrator.dataDirectory, `concentrator-${concentrator.tap}.json`);
}

export function encodeRegister(register: Register): string {
  return `${JSON.stringify(register, null, 2)}\n`;
}

/** An empty one when there is no such file. @throws WanbondError when it is damaged or others may read it. */
export function readRegister(file: string): Register {
  const text = textOf(file);
  if (text === null) return { version: 1, clients: [], invites: [] };
  const result = Register.safeParse(orNull(text));
  if (result.success) return result.data;
  const sentence = `${file} is damaged: the clients that joined cannot be read. Put a copy of it back, or move it away (they have to join again then).`;
  throw new WanbondError("WB_REGISTER", EX_CONFIG, sentence);
}

function textOf(file: string): string | null {
  try {
    const { mode } = statSync(file);
    if ((mode & 0o077) === 0) return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    const sentence = `${file} cannot be read (${errorCode(error)}). Run as root, or name another dataDirectory.`;
    throw new WanbondError("WB_REGISTER", EX_CONFIG, sentence);
  }
  const sentence = `${file} holds keys of invites, and others may read it. Run: chmod 600 ${file}`;
  throw new WanbondError("WB_REGISTER", EX_CONFIG, sentence);
}

function orNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // Not JSON: no schema fits null.
  }
}
