import type { IncomingMessage } from "node:http";
import { EX_USAGE, WanbondError } from "../errors.ts";
import { InviteRequest, type PairingControl } from "./pairing-control.ts";

const MAX_BODY_BYTES = 16 * 1024;

/** What a request asks of a concentrator: POST /v1/invites, GET /v1/clients, DELETE /v1/clients?name=NAME. null: none of these. */
export function pairingQuestion(
  request: IncomingMessage,
  url: URL,
  pairing: PairingControl | undefined,
): (() => Promise<object>) | null {
  if (pairing === undefined) return null;
  const name = url.searchParams.get("name");
  switch (`${request.method} ${url.pathname}`) {
    case "POST /v1/invites":
      return async () => pairing.invite(inviteRequest(await bodyOf(request)));
    case "GET /v1/clients":
      return () => pairing.clients();
    case "DELETE /v1/clients":
      return name === null ? null : () => pairing.revoke(name);
    default:
      return null;
  }
}

function inviteRequest(body: string): InviteRequest {
  try {
    const result = InviteRequest.safeParse(JSON.parse(body));
    if (result.success) return result.data;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new WanbondError(
    "WB_USAGE",
    EX_USAGE,
    "The request for an invite is not understood: see docs/configuration.md.",
  );
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.byteLength;
    if (sizeBytes > MAX_BODY_BYTES) return "";
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
