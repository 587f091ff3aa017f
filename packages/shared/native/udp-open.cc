#include "udp-open.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "fd-facts.h"
#include "udp-options.h"

namespace wanbond {
namespace {

bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/** Beyond the system's limit where that is allowed (CAP_NET_ADMIN), else as far as it goes. */
void setBuffers(int fd, int bytes) {
  if (bytes <= 0) return;
  if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, bytes)) set(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

bool neverFragment(int fd, bool v6) {
  if (!v6) return set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  return set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) && set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
}

bool reportLocalAddress(int fd, bool v6) {
  return v6 ? set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

bool bindTo(int fd, const UdpOptions& options) {
  sockaddr_storage storage = {};
  if (!options.v6) {
    auto* address = reinterpret_cast<sockaddr_in*>(&storage);
    address->sin_family = AF_INET;
    address->sin_port = htons(options.port);
    memcpy(&address->sin_addr, options.address, 4);
    return bind(fd, reinterpret_cast<sockaddr*>(address), sizeof *address) == 0;
  }
  auto* address = reinterpret_cast<sockaddr_in6*>(&storage);
  address->sin6_family = AF_INET6;
  address->sin6_port = htons(options.port);
  memcpy(&address->sin6_addr, options.address, 16);
  if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) address->sin6_scope_id = if_nametoindex(options.device);
  return bind(fd, reinterpret_cast<sockaddr*>(address), sizeof *address) == 0;
}

}  // namespace

OpenError openUdp(const UdpOptions& options, UdpSocket& udp) {
  const int family = options.v6 ? AF_INET6 : AF_INET;
  udp.fd = UniqueFd(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!udp.fd.valid()) return {errno, "open a UDP socket"};
  const int fd = udp.fd.get();
  if (options.device[0] != 0 &&
      setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options.device, socklen_t(strlen(options.device))) < 0)
    return {errno, "bind a UDP socket to its device"};
  if (options.v6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return {errno, "keep IPv4 out of an IPv6 socket"};
  if (!neverFragment(fd, options.v6)) return {errno, "forbid fragments on a UDP socket"};
  if (options.packetInfo && !reportLocalAddress(fd, options.v6)) return {errno, "ask for local addresses"};
  setBuffers(fd, options.bufferBytes);
  if (!bindTo(fd, options)) return {errno, "bind a UDP socket to its address"};
  udp.gro = options.gro && set(fd, IPPROTO_UDP, UDP_GRO, 1);
  if (!FdFacts::renew(fd)) return {EMFILE, "use a descriptor this high"};
  udp.gso = FdFacts::of(fd) & FdFacts::kGso;
  return {};
}

int localPort(int fd) {
  sockaddr_storage storage = {};
  socklen_t bytes = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &bytes) < 0) return -errno;
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port);
  return -EAFNOSUPPORT;
}

}  // namespace wanbond
