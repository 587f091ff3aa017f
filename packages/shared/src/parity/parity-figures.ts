/** Longest plaintext: an inner header and an Ethernet frame of the largest MTU, rounded up to whole words. */
export const MOST_PLAIN_BYTES = 1_568;
/** Counters that one parity datagram may cover; the wire has 5 bits for it. */
export const MOST_SPAN = 32;
