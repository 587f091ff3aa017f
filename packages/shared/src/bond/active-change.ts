/** Why a policy with one active member took another. */
export type ActiveReason = "first" | "failed" | "primary-returned" | "better";

/** Told by a policy to its bond. Members by number, NO_MEMBER for none. */
export type ActiveListener = (from: number, to: number, reason: ActiveReason) => void;
