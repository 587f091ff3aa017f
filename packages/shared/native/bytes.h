// Integers in network byte order at any alignment.
#pragma once
#include <arpa/inet.h>
#include <cstdint>
#include <cstring>

namespace wanbond {

inline uint16_t read16(const uint8_t* p) { return uint16_t(p[0] << 8 | p[1]); }
inline uint32_t read32(const uint8_t* p) {
  uint32_t value;
  memcpy(&value, p, 4);
  return ntohl(value);
}
inline void write16(uint8_t* p, int value) {
  p[0] = uint8_t(value >> 8);
  p[1] = uint8_t(value);
}
inline void write32(uint8_t* p, uint32_t value) {
  value = htonl(value);
  memcpy(p, &value, 4);
}

}  // namespace wanbond
