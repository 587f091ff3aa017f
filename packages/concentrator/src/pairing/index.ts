export { InviteRegister } from "./invite-register.ts";
export { InviteSessions } from "./invite-sessions.ts";
export { Pairing } from "./pairing.ts";
