#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <cstdint>

namespace wanbond {
namespace {

constexpr int kGroups[] = {RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                           RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE};
constexpr int kMaxReads = 256;

int countMessages(const uint8_t* buffer, ssize_t bytes) {
  int count = 0;
  int left = int(bytes);
  for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(header, unsigned(left));
       header = NLMSG_NEXT(header, left))
    count++;
  return count;
}

}  // namespace

OpenError openNetlink(UniqueFd& opened) {
  opened = UniqueFd(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!opened.valid()) return {errno, "open a netlink socket"};
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  if (bind(opened.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    return {errno, "bind a netlink socket"};
  for (int group : kGroups)
    if (setsockopt(opened.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) < 0)
      return {errno, "join a netlink group"};
  return {};
}

int drainNetlink(int fd) {
  alignas(nlmsghdr) uint8_t buffer[32768];
  int count = 0;
  for (int reads = 0; reads < kMaxReads; reads++) {
    const ssize_t bytes = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (bytes >= 0) {
      count += countMessages(buffer, bytes);
    } else if (errno == ENOBUFS) {
      count++;
    } else if (errno != EINTR) {
      return errno == EAGAIN ? count : -errno;
    }
  }
  return count;
}

}  // namespace wanbond
