#include "udp-writer.h"

#include <errno.h>
#include <string.h>
#include <algorithm>

#include "fd-facts.h"
#include "udp-options.h"

namespace wanbond {
namespace {

constexpr int kAttempts = 3;
constexpr int kMaxDatagram = 65507;
/** Of one message: an IP packet of 65535 bytes less the largest headers, with room to spare. */
constexpr int kMaxRunBytes = 65000;

/** An ICMP error for an earlier datagram; reporting it cleared it. */
bool isPending(int error) { return error == ECONNREFUSED || error == EHOSTUNREACH || error == EPROTO; }
bool isFull(int error) { return error == EAGAIN || error == ENOBUFS; }
/** A device without checksum offload (EIO), or a run it cannot cut (EINVAL). */
bool mayBeGso(int error) { return error == EIO || error == EINVAL || error == EOPNOTSUPP; }

}  // namespace

int UdpWriter::write(int fd, const Endpoint& endpoint, Vector<Descriptor> descriptors, const int32_t* selection,
                     int count) {
  const Work work = {descriptors, selection, count};
  UdpAddress address(endpoint);
  bool gso = FdFacts::of(fd) & FdFacts::kGso, gsoFailed = false;
  int done = 0, error = 0;
  while (done < count && error == 0) {
    const int messages = prepare(work, done, gso, address);
    const int sent = messages == 0 ? -EFAULT : send(fd, messages);
    if (sent > 0) {
      done += taken(sent);
      if (gsoFailed) forbidGso(fd);  // one by one it went: the joining was what was refused
      gsoFailed = false;
    } else if (messages > 0 && messages_[0].msg_hdr.msg_iovlen > 1 && mayBeGso(-sent)) {
      gso = false;
      gsoFailed = true;
    } else {
      error = -sent;
    }
  }
  return account(done, count, error);
}

/** @returns messages taken, or a negative errno. */
int UdpWriter::send(int fd, int messages) {
  for (int attempt = 0;; attempt++) {
    const int sent = sendmmsg(fd, messages_, unsigned(messages), MSG_DONTWAIT);
    if (sent > 0) {
      stats_.udpWrites++;
      stats_.udpWriteMessages += uint64_t(sent);
      return sent;
    }
    if (errno != EINTR && !(isPending(errno) && attempt < kAttempts)) return -errno;
  }
}

void UdpWriter::forbidGso(int fd) {
  FdFacts::forbidGso(fd);
  stats_.udpGsoRefused++;
}

int UdpWriter::account(int done, int count, int error) {
  stats_.udpWriteDatagrams += uint64_t(done);
  if (error == 0) return done;
  (isFull(error) ? stats_.udpWriteFull : error == EFAULT ? stats_.badDescriptors : stats_.udpWriteRefused) +=
      uint64_t(count - done);
  return done > 0 || isFull(error) ? done : -error;
}

const Descriptor* UdpWriter::find(const Work& work, int index) const {
  const int32_t selected = work.selection[index];
  if (selected < 0 || size_t(selected) >= work.descriptors.count) return nullptr;
  const Descriptor& descriptor = work.descriptors.data[selected];
  const bool sendable = descriptor.length > 0 && descriptor.length <= kMaxDatagram;
  return sendable && pool_.at(descriptor.offset, descriptor.length) != nullptr ? &descriptor : nullptr;
}

/** Makes messages of the datagrams from `from` on. @returns how many; 0 when the first is not in the pool. */
int UdpWriter::prepare(const Work& work, int from, bool gso, UdpAddress& address) {
  int messages = 0, part = 0;
  while (from < work.count && messages < kMessages && part + kMaxSegments <= kParts) {
    const int run = addRun(work, from, gso ? kMaxSegments : 1, part);
    if (run == 0) break;
    addMessage(messages++, part, run, address);
    from += run;
    part += run;
  }
  return messages;
}

/** Lists datagrams of one size, the last of which may be shorter. @returns how many. */
int UdpWriter::addRun(const Work& work, int from, int limit, int part) {
  int run = 0, total = 0, size = 0;
  while (run < limit && from + run < work.count) {
    const Descriptor* datagram = find(work, from + run);
    if (datagram == nullptr) break;
    if (run == 0) size = datagram->length;
    if (datagram->length > size || (run > 0 && total + datagram->length > kMaxRunBytes)) break;
    parts_[part + run++] = {pool_.at(datagram->offset, datagram->length), size_t(datagram->length)};
    total += datagram->length;
    if (datagram->length < size) break;
  }
  return run;
}

void UdpWriter::addMessage(int message, int firstPart, int parts, UdpAddress& address) {
  msghdr& header = messages_[message].msg_hdr;
  header = {};
  header.msg_name = address.name();
  header.msg_namelen = address.nameBytes();
  header.msg_iov = &parts_[firstPart];
  header.msg_iovlen = size_t(parts);
  uint8_t* control = controls_[message];
  size_t bytes = address.writeSource(control);
  if (parts > 1) {
    auto* segment = reinterpret_cast<cmsghdr*>(control + bytes);
    const uint16_t size = uint16_t(parts_[firstPart].iov_len);
    segment->cmsg_level = IPPROTO_UDP;
    segment->cmsg_type = UDP_SEGMENT;
    segment->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(segment), &size, sizeof size);
    bytes += CMSG_SPACE(sizeof size);
  }
  header.msg_control = bytes > 0 ? control : nullptr;
  header.msg_controllen = bytes;
}

int UdpWriter::taken(int messages) const {
  size_t datagrams = 0;
  for (int i = 0; i < messages; i++) datagrams += messages_[i].msg_hdr.msg_iovlen;
  return int(datagrams);
}

}  // namespace wanbond
