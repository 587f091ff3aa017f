#pragma once
#include <cstddef>
#include <cstdint>

namespace wanbond {

/**
 * Sends one datagram to a unix socket and forgets the socket. Never waits: a full receiver is -EAGAIN.
 * @param path in the file system, or an abstract name with '@' for its first byte.
 * @returns how many bytes, or a negative errno.
 */
int sendUnixDatagram(const char* path, const uint8_t* data, size_t bytes);

}  // namespace wanbond
