#pragma once
#include <netinet/in.h>
#include <cstdint>

#include "unique-fd.h"

namespace wanbond {

struct UdpOptions {
  bool v6 = false;
  /** "" = any device. */
  char device[16] = "";
  /** Network byte order; all 0 = any address. */
  uint8_t address[16] = {};
  uint16_t port = 0;
  int bufferBytes = 0;
  bool gro = false;
  bool packetInfo = false;
};

struct UdpSocket {
  UniqueFd fd;
  bool gro = false, gso = false;
};

/** A non-blocking UDP socket that never fragments and takes no notice of ICMP's idea of the path MTU. */
OpenError openUdp(const UdpOptions& options, UdpSocket& socket);

/** The port a socket is bound to, or a negative errno. */
int localPort(int fd);

}  // namespace wanbond
