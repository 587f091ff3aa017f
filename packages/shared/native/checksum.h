// The internet checksum (RFC 1071), summed in native byte order: it is independent of it (section 2 B).
#pragma once
#include <netinet/in.h>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wanbond {

/**
 * Adds the words of [p, p + bytes) to sum. Every piece but the last must have an even length. Eight bytes at a time: modulo
 * 2^16 - 1 a carry out of 64 bits counts as much as one out of 16.
 */
inline uint64_t addToSum(const uint8_t* p, size_t bytes, uint64_t sum) {
  uint64_t total = 0, carries = 0;
  for (; bytes >= 32; p += 32, bytes -= 32) {
    uint64_t words[4];
    memcpy(words, p, 32);
    for (const uint64_t word : words) carries += __builtin_add_overflow(total, word, &total);
  }
  sum += (total & 0xffffffff) + (total >> 32) + carries;
  for (; bytes >= 2; p += 2, bytes -= 2) {
    uint16_t word;
    memcpy(&word, p, 2);
    sum += word;
  }
  if (bytes > 0) {
    uint16_t word = 0;
    memcpy(&word, p, 1);
    sum += word;
  }
  return sum;
}

/** Folds a sum to 16 bits, not inverted. */
inline uint16_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return uint16_t(sum);
}

/** Sum of the pseudo header of TCP and UDP (RFC 9293 section 3.1, RFC 8200 section 8.1). */
inline uint64_t pseudoSum(const uint8_t* ip, bool v6, int protocol, int bytes) {
  const uint64_t start = uint64_t(htons(uint16_t(protocol))) + htons(uint16_t(bytes));
  return v6 ? addToSum(ip + 8, 32, start) : addToSum(ip + 12, 8, start);
}

/** Stores a sum that is in native byte order. */
inline void storeSum(uint8_t* at, uint16_t sum) { memcpy(at, &sum, 2); }

/** Sets the header checksum of IPv4. */
inline void setIpv4Checksum(uint8_t* ip, int headerBytes) {
  storeSum(ip + 10, 0);
  storeSum(ip + 10, uint16_t(~fold(addToSum(ip, size_t(headerBytes), 0))));
}

}  // namespace wanbond
