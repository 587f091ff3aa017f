import * as z from "zod";

/** Longest life of an invite. */
export const MAX_INVITE_LIFE_S = 30 * 24 * 3600;

const name = z.string().regex(/^[A-Za-z0-9._-]{1,32}$/);
const time = z.iso.datetime();

/** What an invite is to be. */
export const InviteRequest = z.strictObject({
  name,
  /** Networks that the client gets; empty: those it finds. */
  lan: z.array(z.string().max(43)).max(16),
  lifeS: z.number().int().min(60).max(MAX_INVITE_LIFE_S),
});
export type InviteRequest = z.infer<typeof InviteRequest>;

export const InviteAnswer = z.object({
  name,
  invite: z.string(),
  expires: time,
  endpoints: z.array(z.string()),
  /** For a terminal; lines of block characters, light on dark. */
  qr: z.string(),
});
export type InviteAnswer = z.infer<typeof InviteAnswer>;

export const ClientsAnswer = z.object({
  clients: z.array(
    z.object({
      name,
      /** In the configuration file, or joined by an invite. */
      origin: z.enum(["file", "joined"]),
      address: z.array(z.string()),
      lan: z.array(z.string()),
      state: z.enum(["up", "connecting", "down"]),
      /** Wall clock; null: not since the concentrator started. */
      lastSeen: time.nullable(),
      /** Where its members come from, now. */
      endpoints: z.array(z.string()),
      /** When it joined; null for those of the file. */
      since: time.nullable(),
    }),
  ),
  /** That may still be used. */
  invites: z.array(z.object({ name, lan: z.array(z.string()), created: time, expires: time })),
});
export type ClientsAnswer = z.infer<typeof ClientsAnswer>;
export type ClientEntry = ClientsAnswer["clients"][number];

export const RevokeAnswer = z.object({ name, revoked: z.enum(["client", "invite"]) });
export type RevokeAnswer = z.infer<typeof RevokeAnswer>;

/** What a concentrator does about its clients when asked to, while it runs. All throw WanbondError for what they refuse. */
export interface PairingControl {
  invite(request: InviteRequest): Promise<InviteAnswer>;
  clients(): Promise<ClientsAnswer>;
  revoke(name: string): Promise<RevokeAnswer>;
}
