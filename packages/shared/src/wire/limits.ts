/** Protocol constants. Their reasons stand in docs/wire-format.md; tuning constants stand where they are used. */

/** Carried inside the handshake; the lower one of both ends is spoken. */
export const PROTOCOL_VERSION = 1;

/** First byte of a datagram. */
export const TYPE_INITIATION = 1;
export const TYPE_RESPONSE = 2;
export const TYPE_COOKIE_REPLY = 3;
export const TYPE_DATA = 4;
export const TYPE_CONTROL = 5;
/** Sum of the plaintexts right before it on its path; see parity/. */
export const TYPE_PARITY = 6;

/** Outer header of data and control datagrams: type u8 | path u8 | flags u16 | session u32 | counter u64, authenticated. */
export const OUTER_HEADER_BYTES = 16;
export const OUTER_PATH_AT = 1;
export const OUTER_SESSION_AT = 4;
export const OUTER_COUNTER_AT = 8;
/** AEAD tag behind the ciphertext. */
export const TAG_BYTES = 16;

/**
 * What seals data and control datagrams; carried in the handshake response. All have 32-byte keys and 16-byte tags. The
 * last two seal an empty plaintext with header and payload as associated data: authenticated, nothing is hidden.
 */
export const CIPHER_AES_256_GCM = 0;
export const CIPHER_CHACHA20_POLY1305 = 1;
export const CIPHER_AUTH_ONLY_AES = 2;
export const CIPHER_AUTH_ONLY_CHACHA = 3;

/**
 * Inner header of data datagrams, encrypted: flags u8 | send time u24 (units of 4 us) | flow slot u8 | sequence u24.
 */
export const INNER_HEADER_BYTES = 8;
export const INNER_DUPLICATE = 0x01;
export const INNER_RETRANSMISSION = 0x02;
export const INNER_REALTIME = 0x04;
/** The payload starts with a fragment header: offset u16 | total length u16. */
export const INNER_FRAGMENT = 0x08;
/** The payload is a whole Ethernet frame; without it, it is the IP packet of a routed bond. */
export const INNER_ETHERNET = 0x10;
/** The receiver is to keep the order of this flow slot. Without it the frame is delivered as it arrives. */
export const INNER_ORDERED = 0x20;
/** The sender wants arrivals reported, and sends again what is missing. */
export const INNER_REPORTED = 0x40;
/** The receiver is to give this frame the delay of the slower lines, too: so it is with all of its flow, from the first on. */
export const INNER_EVEN = 0x80;
export const FRAGMENT_HEADER_BYTES = 4;

export const SEND_TIME_UNIT_US = 4;
export const FLOW_SLOTS = 256;
/** Sequence numbers within a flow slot and send times wrap at 2^24. */
export const SEQUENCE_MODULUS = 0x1000000;

/** Paths of one session; the path number is a byte, the member masks of a bond are 32-bit integers. */
export const MAX_PATHS = 30;
/**
 * Path bytes from here up to SIDE_PATHS_END belong to no path: control datagrams that measure lines, from sockets of their
 * own. The asker gives each line a number, since counters and replay windows are kept by it.
 */
export const FIRST_SIDE_PATH = 30;
export const SIDE_PATHS_END = FIRST_SIDE_PATH + MAX_PATHS;
/** Datagrams a path may be behind its newest before they count as replayed (RFC 6479). */
export const REPLAY_WINDOW = 8192;

/** Smallest and largest MTU that an inner interface may have. 1280 is the minimum of IPv6 (RFC 8200). */
export const MIN_INNER_MTU = 576;
export const MAX_INNER_MTU = 1500;
/** Ethernet header with two VLAN tags around the largest packet. */
export const MAX_FRAME_BYTES = MAX_INNER_MTU + 22;
