#include "events.h"

#include <errno.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <algorithm>

namespace wanbond {

int openEvent() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int signalEvent(int fd) {
  const uint64_t one = 1;
  if (write(fd, &one, sizeof one) == sizeof one || errno == EAGAIN) return 0;
  return -errno;
}

int drainEvent(int fd) {
  uint64_t count;
  if (read(fd, &count, sizeof count) == sizeof count) return 1;
  return errno == EAGAIN ? 0 : -errno;
}

int pollEvents(int32_t* pairs, int count, double timeoutMs) {
  constexpr double kLongestMs = 1e9;
  static_assert(sizeof(pollfd) == 2 * sizeof(int32_t), "a pollfd is two words");
  const double bounded = timeoutMs > 0 ? std::min(timeoutMs, kLongestMs) : 0;
  timespec timeout = {};
  timeout.tv_sec = time_t(bounded / 1e3);
  timeout.tv_nsec = long((bounded - double(timeout.tv_sec) * 1e3) * 1e6);
  const int ready = ppoll(reinterpret_cast<pollfd*>(pairs), nfds_t(count), timeoutMs < 0 ? nullptr : &timeout, nullptr);
  if (ready >= 0) return ready;
  if (errno != EINTR) return -errno;
  for (int i = 0; i < count; i++) pairs[2 * i + 1] &= 0xffff;
  return 0;
}

double monotonicMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return double(now.tv_sec) * 1e3 + double(now.tv_nsec) / 1e6;
}

bool hasAesInstructions() {
#if defined(__x86_64__) || defined(__i386__)
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
  constexpr unsigned long kAes = 1ul << 3, kPmull = 1ul << 4;
  return (getauxval(AT_HWCAP) & (kAes | kPmull)) == (kAes | kPmull);
#else
  return false;
#endif
}

}  // namespace wanbond
