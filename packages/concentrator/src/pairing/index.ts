export { InviteRegister } from "./invite-register.ts";
export { InviteSessions } from "./invite-sessions.ts";
export { Pairing, type PairingNeeds } from "./pairing.ts";
