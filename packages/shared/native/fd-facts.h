// What the process knows of its descriptors, whichever thread opened them.
#pragma once
#include <cstdint>

namespace wanbond {

/**
 * One word per descriptor, asked of the kernel at first use and shared by all threads. The upper bits number the uses
 * of a descriptor number, so that a thread sees when another closed it and it became something else.
 */
class FdFacts {
 public:
  static constexpr uint32_t kTap = 2, kVnet = 4, kUdp = 8, kIpv6 = 16, kGso = 32;

  /** 0 when it is neither a TAP nor a UDP socket. */
  static uint32_t of(int fd);
  /** To be called whenever a descriptor number starts or ends to mean something. @returns false beyond the table. */
  static bool renew(int fd);
  /** The kernel refused UDP_SEGMENT on this socket's device. */
  static void forbidGso(int fd);
};

}  // namespace wanbond
