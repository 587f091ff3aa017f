// Preloaded into a test: a kernel and a device without any offload.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int ioctl(int fd, unsigned long request, ...) {
  int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  const int vnet = request == TUNSETIFF && (((struct ifreq *)argument)->ifr_flags & IFF_VNET_HDR);
  if (vnet || request == TUNSETOFFLOAD) {
    errno = EINVAL;
    return -1;
  }
  return next(fd, request, argument);
}

// What a device without checksum offload answers to UDP_SEGMENT before Linux 6.11.
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
  int (*next)(int, struct mmsghdr *, unsigned, int) = dlsym(RTLD_NEXT, "sendmmsg");
  unsigned plain = 0;
  while (plain < count && messages[plain].msg_hdr.msg_iovlen == 1) plain++;
  if (plain > 0 || count == 0) return next(fd, messages, plain, flags);
  errno = EIO;
  return -1;
}
