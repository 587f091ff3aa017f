/**
 * The way of a frame is many small functions, which V8 joins into large ones. At its own limit of 920 bytes of its code it
 * stops half-way; with this one the packet loop takes 10 to 15 % less time.
 */
export const PACKET_LOOP_FLAG = "--max-inlined-bytecode-size-cumulative=3000";
