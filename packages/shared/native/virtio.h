// The header in front of every frame of a TAP with IFF_VNET_HDR.
#pragma once
#include <cstdint>

namespace wanbond {

/** struct virtio_net_hdr, native byte order. <linux/virtio_net.h> does not compile as C++. */
struct VnetHeader {
  uint8_t flags = 0, gsoType = 0;
  uint16_t headerBytes = 0, gsoBytes = 0, checksumStart = 0, checksumOffset = 0;
};
static_assert(sizeof(VnetHeader) == 10, "as the kernel lays it out");

constexpr uint8_t kNeedsChecksum = 1;
constexpr uint8_t kGsoNone = 0;
constexpr uint8_t kGsoTcp4 = 1;
constexpr uint8_t kGsoTcp6 = 4;
constexpr uint8_t kGsoUdp = 5;
/** Set beside a TCP type when the first segment carries CWR. */
constexpr uint8_t kGsoEcn = 0x80;

}  // namespace wanbond
