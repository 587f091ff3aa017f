#include "tap-open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fd-facts.h"
#include "virtio.h"

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace wanbond {
namespace {

bool attach(int fd, const char* name, bool vnet) {
  ifreq request = {};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = short(IFF_TAP | IFF_NO_PI | (vnet ? IFF_VNET_HDR : 0));
  return ioctl(fd, TUNSETIFF, &request) == 0;
}

bool offload(int fd, unsigned features) { return ioctl(fd, TUNSETOFFLOAD, features) == 0; }

/** USO came with Linux 6.2. */
void requestOffloads(Tap& tap) {
  const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  tap.uso = offload(tap.fd.get(), tcp | TUN_F_USO4 | TUN_F_USO6);
  tap.tso = tap.uso || offload(tap.fd.get(), tcp);
  if (!tap.tso) offload(tap.fd.get(), 0);
}

}  // namespace

OpenError openTap(const char* name, bool wantVnet, Tap& tap) {
  tap.fd = UniqueFd(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!tap.fd.valid()) return {errno, "open /dev/net/tun"};
  const int fd = tap.fd.get();
  tap.vnet = wantVnet && attach(fd, name, true);
  if (!tap.vnet && wantVnet && errno != EINVAL) return {errno, "create the TAP device"};
  if (!tap.vnet && !attach(fd, name, false)) return {errno, "create the TAP device"};
  if (tap.vnet) {
    int headerBytes = sizeof(VnetHeader);
    if (ioctl(fd, TUNSETVNETHDRSZ, &headerBytes) < 0) return {errno, "set the TAP header size"};
    requestOffloads(tap);
  }
  if (!FdFacts::renew(fd)) return {EMFILE, "use a descriptor this high"};
  return {};
}

}  // namespace wanbond
