#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include "layout.h"

namespace wanbond {

/** Destination and source of a send as the kernel wants them, made once per vector. */
class UdpAddress {
 public:
  static constexpr size_t kControlBytes = CMSG_SPACE(sizeof(in6_pktinfo));

  explicit UdpAddress(const Endpoint& endpoint);
  sockaddr* name() { return reinterpret_cast<sockaddr*>(&name_); }
  socklen_t nameBytes() const { return nameBytes_; }
  /** Writes the source address as control data. @returns its bytes; 0 when the kernel is to choose. */
  size_t writeSource(uint8_t* control) const;

 private:
  sockaddr_in6 name_ = {};
  socklen_t nameBytes_;
  alignas(cmsghdr) uint8_t source_[kControlBytes] = {};
  size_t sourceBytes_ = 0;
};

}  // namespace wanbond
