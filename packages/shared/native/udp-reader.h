#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include "layout.h"
#include "stats.h"

namespace wanbond {

/** Receives vectors of datagrams, joined ones (UDP_GRO) taken apart by descriptors only. */
class UdpReader {
 public:
  UdpReader(const Pool& pool, Stats& stats) : pool_(pool), stats_(stats) {}
  /**
   * Takes only as many messages from the kernel as surely fit max: each may hold kMaxSegments datagrams.
   * @returns descriptors filled, or a negative errno.
   */
  int read(int fd, int64_t arenaOffset, Descriptor* descriptors, int max, Endpoint* endpoints);

 private:
  int receive(int fd, uint8_t* arena, int messages);
  int split(int message, int joined, int offset, Descriptor* descriptors, int room);

  const Pool& pool_;
  Stats& stats_;
  mmsghdr messages_[kReceiveMessages];
  iovec parts_[kReceiveMessages];
  sockaddr_in6 names_[kReceiveMessages];
  alignas(cmsghdr) uint8_t controls_[kReceiveMessages][128];
};

}  // namespace wanbond
