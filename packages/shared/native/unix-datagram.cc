#include "unix-datagram.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <cstddef>

#include "unique-fd.h"

namespace wanbond {

int sendUnixDatagram(const char* path, const uint8_t* data, size_t bytes) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t length = strlen(path);
  if (length == 0 || length >= sizeof address.sun_path) return -ENAMETOOLONG;
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = 0;  // unix(7): abstract names begin with a zero and end with the length
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return -errno;
  const socklen_t size = socklen_t(offsetof(sockaddr_un, sun_path) + length);
  const ssize_t sent = sendto(fd.get(), data, bytes, MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size);
  return sent < 0 ? -errno : int(sent);
}

}  // namespace wanbond
