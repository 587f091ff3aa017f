import type * as z from "zod";
import { call, otherVersion } from "./control-client.ts";
import { ClientsAnswer, InviteAnswer, type InviteRequest, RevokeAnswer } from "./pairing-control.ts";

/** Asks a running concentrator for an invite. @throws WanbondError as readStatus, or the concentrator's own refusal */
export async function requestInvite(socketPath: string, request: InviteRequest): Promise<InviteAnswer> {
  return checked(socketPath, InviteAnswer, await call(socketPath, "POST", "/v1/invites", JSON.stringify(request)));
}

/** @throws WanbondError as readStatus */
export async function readClients(socketPath: string): Promise<ClientsAnswer> {
  return checked(socketPath, ClientsAnswer, await call(socketPath, "GET", "/v1/clients"));
}

/** @throws WanbondError as requestInvite */
export async function revokeClient(socketPath: string, name: string): Promise<RevokeAnswer> {
  const path = `/v1/clients?name=${encodeURIComponent(name)}`;
  return checked(socketPath, RevokeAnswer, await call(socketPath, "DELETE", path));
}

function checked<Schema extends z.ZodType>(socketPath: string, schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw otherVersion(socketPath);
  return result.data;
}
