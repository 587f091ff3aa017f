#pragma once
#include "layout.h"
#include "stats.h"
#include "udp-address.h"

namespace wanbond {

/** Sends vectors of datagrams to one endpoint, runs of equal size as one message (UDP_SEGMENT). */
class UdpWriter {
 public:
  UdpWriter(const Pool& pool, Stats& stats) : pool_(pool), stats_(stats) {}
  /** @returns datagrams taken, or the negative errno of the first when none was. */
  int write(int fd, const Endpoint& endpoint, Vector<Descriptor> descriptors, const int32_t* selection, int count);

 private:
  static constexpr int kMessages = 64;
  static constexpr int kParts = 512;

  /** What of the caller's vector is still to be sent. */
  struct Work {
    Vector<Descriptor> descriptors;
    const int32_t* selection;
    int count;
  };

  int send(int fd, int messages);
  void forbidGso(int fd);
  int account(int done, int count, int error);
  const Descriptor* find(const Work& work, int index) const;
  int prepare(const Work& work, int from, bool gso, UdpAddress& address);
  int addRun(const Work& work, int from, int limit, int part);
  void addMessage(int message, int firstPart, int parts, UdpAddress& address);
  int taken(int messages) const;

  const Pool& pool_;
  Stats& stats_;
  mmsghdr messages_[kMessages];
  iovec parts_[kParts];
  alignas(cmsghdr) uint8_t controls_[kMessages][UdpAddress::kControlBytes + CMSG_SPACE(sizeof(uint16_t))];
};

}  // namespace wanbond
