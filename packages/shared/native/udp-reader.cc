#include "udp-reader.h"

#include <errno.h>
#include <string.h>
#include <algorithm>

#include "udp-options.h"

namespace wanbond {
namespace {

void setRemote(const sockaddr_in6& name, Endpoint& endpoint) {
  if (name.sin6_family == AF_INET6) {
    endpoint.family = 6;
    endpoint.port = ntohs(name.sin6_port);
    endpoint.interfaceIndex = int32_t(name.sin6_scope_id);
    memcpy(endpoint.remote, &name.sin6_addr, 16);
    return;
  }
  const auto& name4 = reinterpret_cast<const sockaddr_in&>(name);
  endpoint.family = 4;
  endpoint.port = ntohs(name4.sin_port);
  memcpy(endpoint.remote, &name4.sin_addr, 4);
}

void setLocal(const cmsghdr* control, Endpoint& endpoint) {
  if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
    in_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    endpoint.interfaceIndex = info.ipi_ifindex;
    memcpy(endpoint.local, &info.ipi_spec_dst, 4);
  } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
    in6_pktinfo info;
    memcpy(&info, CMSG_DATA(control), sizeof info);
    endpoint.interfaceIndex = int32_t(info.ipi6_ifindex);
    memcpy(endpoint.local, &info.ipi6_addr, 16);
  }
}

/** Reads the control data: the local address into endpoint. @returns the size of joined datagrams, or 0. */
int readControl(msghdr& message, Endpoint& endpoint) {
  int joined = 0;
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
      memcpy(&joined, CMSG_DATA(control), sizeof joined);
    } else {
      setLocal(control, endpoint);
    }
  }
  return joined;
}

/** An ICMP error for an earlier datagram; reading it cleared it. */
bool isPending(int error) { return error == ECONNREFUSED || error == EHOSTUNREACH || error == EPROTO; }

}  // namespace

int UdpReader::read(int fd, int64_t arenaOffset, Descriptor* descriptors, int max, Endpoint* endpoints) {
  uint8_t* arena = pool_.at(arenaOffset, int64_t(kReceiveMessages) * kReceiveStride);
  if (arena == nullptr || max < kMaxSegments) return -EINVAL;
  const int received = receive(fd, arena, std::min(max / kMaxSegments, kReceiveMessages));
  if (received < 0) return received;
  int filled = 0;
  for (int i = 0; i < received; i++) {
    endpoints[i] = {};
    setRemote(names_[i], endpoints[i]);
    const int joined = readControl(messages_[i].msg_hdr, endpoints[i]);
    filled += split(i, joined, int(arenaOffset) + i * kReceiveStride, descriptors + filled, max - filled);
  }
  stats_.udpReads++;
  stats_.udpReadMessages += uint64_t(received);
  stats_.udpReadDatagrams += uint64_t(filled);
  return filled;
}

/** @returns messages, 0 when there were none, or a negative errno. */
int UdpReader::receive(int fd, uint8_t* arena, int messages) {
  for (int i = 0; i < messages; i++) {
    parts_[i] = {arena + size_t(i) * kReceiveStride, 65536};
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = &names_[i];
    header.msg_namelen = sizeof names_[i];
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i];
    header.msg_controllen = sizeof controls_[i];
  }
  for (int attempt = 0; attempt < 3; attempt++) {
    const int received = recvmmsg(fd, messages_, unsigned(messages), MSG_DONTWAIT, nullptr);
    if (received >= 0) return received;
    if (errno == EAGAIN) return 0;
    if (errno != EINTR && !isPending(errno)) return -errno;
  }
  return 0;
}

/** Describes the datagrams of one message. @param joined their size when the kernel joined them, else 0. */
int UdpReader::split(int message, int joined, int offset, Descriptor* descriptors, int room) {
  const int length = int(messages_[message].msg_len);
  if (length == 0) stats_.udpReadEmpty++;
  const int size = joined > 0 ? joined : length;
  int filled = 0;
  for (int at = 0; at < length; at += size) {
    if (filled == room) {
      stats_.udpReadOverflow++;
      continue;
    }
    descriptors[filled++] = {offset + at, std::min(size, length - at), 0, message};
  }
  return filled;
}

}  // namespace wanbond
