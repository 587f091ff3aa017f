#include "fd-facts.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <atomic>

#include "udp-options.h"

namespace wanbond {
namespace {

constexpr int kTableSize = 65536;
constexpr uint32_t kKnown = 1;
constexpr uint32_t kFlagsMask = 0xff;
constexpr uint32_t kOneUse = kFlagsMask + 1;
std::atomic<uint32_t> table[kTableSize];

uint32_t askTap(int fd) {
  ifreq request = {};
  if (ioctl(fd, TUNGETIFF, &request) < 0 || !(request.ifr_flags & IFF_TAP)) return 0;
  return FdFacts::kTap | (request.ifr_flags & IFF_VNET_HDR ? FdFacts::kVnet : 0);
}

int socketOption(int fd, int level, int option) {
  int value = 0;
  socklen_t bytes = sizeof value;
  return getsockopt(fd, level, option, &value, &bytes) < 0 ? -1 : value;
}

uint32_t askSocket(int fd) {
  if (socketOption(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_UDP) return 0;
  const uint32_t v6 = socketOption(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6 ? FdFacts::kIpv6 : 0;
  const uint32_t gso = socketOption(fd, IPPROTO_UDP, UDP_SEGMENT) >= 0 ? FdFacts::kGso : 0;
  return FdFacts::kUdp | v6 | gso;
}

}  // namespace

uint32_t FdFacts::of(int fd) {
  if (fd < 0 || fd >= kTableSize) return 0;
  uint32_t facts = table[fd].load(std::memory_order_acquire);
  if (facts & kKnown) return facts;
  const uint32_t tap = askTap(fd);
  const uint32_t asked = tap != 0 ? tap : askSocket(fd);
  if (asked == 0) return 0;
  const uint32_t learnt = facts | kKnown | asked;
  // When another thread was first, its answer stands.
  return table[fd].compare_exchange_strong(facts, learnt, std::memory_order_acq_rel) ? learnt : facts;
}

bool FdFacts::renew(int fd) {
  if (fd < 0 || fd >= kTableSize) return false;
  uint32_t facts = table[fd].load(std::memory_order_relaxed);
  while (!table[fd].compare_exchange_weak(facts, (facts & ~kFlagsMask) + kOneUse, std::memory_order_acq_rel)) {
  }
  return true;
}

void FdFacts::forbidGso(int fd) {
  if (fd >= 0 && fd < kTableSize) table[fd].fetch_and(~kGso, std::memory_order_acq_rel);
}

}  // namespace wanbond
