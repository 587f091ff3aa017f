/** Bound into every handshake: a peer of another protocol, or of a later one with another meaning, does not get through. */
export const PROLOGUE = Buffer.from("wanbond 1");
