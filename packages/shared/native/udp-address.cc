#include "udp-address.h"

#include <string.h>

namespace wanbond {
namespace {

template <typename Info>
size_t putControl(uint8_t* at, int level, int type, const Info& info) {
  auto* control = reinterpret_cast<cmsghdr*>(at);
  control->cmsg_level = level;
  control->cmsg_type = type;
  control->cmsg_len = CMSG_LEN(sizeof info);
  memcpy(CMSG_DATA(control), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

}  // namespace

UdpAddress::UdpAddress(const Endpoint& endpoint) {
  const bool chosen = endpoint.local[0] | endpoint.local[1] | endpoint.local[2] | endpoint.local[3];
  if (endpoint.family == 6) {
    nameBytes_ = sizeof name_;
    name_.sin6_family = AF_INET6;
    name_.sin6_port = htons(uint16_t(endpoint.port));
    memcpy(&name_.sin6_addr, endpoint.remote, 16);
    if (IN6_IS_ADDR_LINKLOCAL(&name_.sin6_addr)) name_.sin6_scope_id = uint32_t(endpoint.interfaceIndex);
    in6_pktinfo info = {};
    memcpy(&info.ipi6_addr, endpoint.local, 16);
    if (chosen) sourceBytes_ = putControl(source_, IPPROTO_IPV6, IPV6_PKTINFO, info);
    return;
  }
  auto& name4 = reinterpret_cast<sockaddr_in&>(name_);
  nameBytes_ = sizeof name4;
  name4.sin_family = AF_INET;
  name4.sin_port = htons(uint16_t(endpoint.port));
  memcpy(&name4.sin_addr, endpoint.remote, 4);
  in_pktinfo info = {};  // no interface: the routing rules of the source address decide
  memcpy(&info.ipi_spec_dst, endpoint.local, 4);
  if (chosen) sourceBytes_ = putControl(source_, IPPROTO_IP, IP_PKTINFO, info);
}

size_t UdpAddress::writeSource(uint8_t* control) const {
  memcpy(control, source_, sourceBytes_);
  return sourceBytes_;
}

}  // namespace wanbond
