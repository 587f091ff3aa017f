// Where the IP header of an Ethernet frame is.
#pragma once
#include "bytes.h"

namespace wanbond {

constexpr int kEthernetBytes = 14;
constexpr int kIpv4Bytes = 20;
constexpr int kIpv6Bytes = 40;
constexpr int kTcpBytes = 20;
constexpr int kUdpBytes = 8;
constexpr int kProtocolTcp = 6;
constexpr int kProtocolUdp = 17;

struct IpStart {
  /** -1 when the frame holds no IP, or is too short for its header. */
  int offset = -1;
  bool v6 = false;
};

/** Looks behind 802.1Q and 802.1ad tags. */
inline IpStart findIp(const uint8_t* frame, int length) {
  int at = 12;
  if (length < kEthernetBytes) return {};
  uint16_t type = read16(frame + at);
  while (type == 0x8100 || type == 0x88a8) {
    at += 4;
    if (length < at + 2) return {};
    type = read16(frame + at);
  }
  const bool v6 = type == 0x86dd;
  if (type != 0x0800 && !v6) return {};
  if (length < at + 2 + (v6 ? kIpv6Bytes : kIpv4Bytes)) return {};
  return {at + 2, v6};
}

}  // namespace wanbond
