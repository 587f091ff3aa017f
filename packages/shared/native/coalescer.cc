#include "coalescer.h"

#include <cstring>

#include "checksum.h"
#include "ethernet.h"
#include "layout.h"

namespace wanbond {
namespace {

constexpr int kMaxIpBytes = 65535;
constexpr int kDataOffset = 12, kFlags = 13;
constexpr uint8_t kPush = 0x08, kAck = 0x10, kEce = 0x40;
constexpr int kDontFragment = 0x4000;

/** Only data with no flag that asks for attention. */
bool isPlainData(const uint8_t* tcp, int payloadBytes) {
  const uint8_t flags = tcp[kFlags] & uint8_t(~kPush);
  return payloadBytes > 0 && (flags == kAck || flags == (kAck | kEce)) && (tcp[kDataOffset] & 15) == 0;
}

bool sameAddresses(const uint8_t* a, const uint8_t* b, bool v6) {
  return v6 ? memcmp(a + 8, b + 8, 32) == 0 : memcmp(a + 12, b + 12, 8) == 0;
}

/** Everything of the IP headers that a joined frame has only once: TOS or class, label, TTL, fragment bits. */
bool sameIp(const uint8_t* a, const uint8_t* b, bool v6, int index) {
  if (v6) return memcmp(a, b, 4) == 0 && memcmp(a + 6, b + 6, 2) == 0;
  if (a[1] != b[1] || memcmp(a + 6, b + 6, 4) != 0) return false;
  if (read16(a + 6) & kDontFragment) return true;  // the identification of an atomic datagram says nothing (RFC 6864)
  return read16(b + 4) == uint16_t(read16(a + 4) + index);
}

/** Acknowledgement, flags but PSH, window, urgent pointer, options. */
bool sameTcp(const uint8_t* a, const uint8_t* b, int headerBytes) {
  if (memcmp(a + 8, b + 8, 5) != 0 || ((a[kFlags] ^ b[kFlags]) & uint8_t(~kPush)) != 0) return false;
  if (memcmp(a + 14, b + 14, 2) != 0 || memcmp(a + 18, b + 18, 2) != 0) return false;
  return memcmp(a + kTcpBytes, b + kTcpBytes, size_t(headerBytes - kTcpBytes)) == 0;
}

}  // namespace

void Coalescer::begin() {
  frameCount_ = groupCount_ = 0;
  memset(buckets_, 0xff, sizeof buckets_);
}

void Coalescer::add(uint8_t* data, int length, bool join) {
  const int index = frameCount_++;
  frames_[index] = {data, length, kNone};
  const TcpView view = join ? viewTcp(data, length) : TcpView{};
  if (view.kind == TcpKind::Opaque) memset(buckets_, 0xff, sizeof buckets_);
  if (view.kind != TcpKind::Plain) {
    startGroup(index, view, false);
    return;
  }
  int* bucket = bucketOf(data, view);
  const bool plain = isPlainData(data + view.tcp, length - view.payload);
  if (plain && *bucket != kNone && append(groups_[*bucket], index, view)) return;
  *bucket = startGroup(index, view, plain && !(data[view.tcp + kFlags] & kPush));
}

int* Coalescer::bucketOf(const uint8_t* data, const TcpView& view) {
  const uint32_t ports = read32(data + view.tcp);
  const uint32_t source = read32(data + view.ip + (view.v6 ? 20 : 12));
  return &buckets_[((ports ^ source) * 0x9e3779b1u) >> 26];
}

int Coalescer::startGroup(int index, const TcpView& view, bool open) {
  const Frame& frame = frames_[index];
  Group& group = groups_[groupCount_];
  group = {index, index, 1, frame.length, 0, 0, open, false, view};
  if (open) {
    group.segmentBytes = frame.length - view.payload;
    group.nextSequence = read32(frame.data + view.tcp + 4) + uint32_t(group.segmentBytes);
  }
  return groupCount_++;
}

bool Coalescer::append(Group& group, int index, const TcpView& view) {
  const Frame& frame = frames_[index];
  if (!group.open || !continues(group, frame, view) || !verify(group, frame, view)) return false;
  const int bytes = frame.length - view.payload;
  const bool push = frame.data[view.tcp + kFlags] & kPush;
  frames_[group.last].next = index;
  group.last = index;
  group.count++;
  group.bytes += bytes;
  group.nextSequence += uint32_t(bytes);
  if (push) frames_[group.first].data[view.tcp + kFlags] |= kPush;
  group.open = !push && bytes == group.segmentBytes;
  return true;
}

bool Coalescer::continues(const Group& group, const Frame& frame, const TcpView& view) const {
  const TcpView& first = group.view;
  const int bytes = frame.length - view.payload;
  if (view.ip != first.ip || view.v6 != first.v6 || view.payload != first.payload) return false;
  if (bytes > group.segmentBytes || group.count >= kMaxSegments) return false;
  if (group.bytes - first.ip + bytes > kMaxIpBytes) return false;
  const uint8_t *a = frames_[group.first].data, *b = frame.data;
  if (memcmp(a + view.tcp, b + view.tcp, 4) != 0 || read32(b + view.tcp + 4) != group.nextSequence) return false;
  return memcmp(a, b, size_t(view.ip)) == 0 && sameAddresses(a + view.ip, b + view.ip, view.v6) &&
         sameIp(a + view.ip, b + view.ip, view.v6, group.count) &&
         sameTcp(a + view.tcp, b + view.tcp, view.payload - view.tcp);
}

/** A joined frame gets new checksums, so that an old one that is wrong would be lost. */
bool Coalescer::verify(Group& group, const Frame& frame, const TcpView& view) {
  const Frame& first = frames_[group.first];
  if (!group.verified) group.open = group.verified = checksumsHold(first.data, first.length, group.view);
  return group.verified && checksumsHold(frame.data, frame.length, view);
}

void Coalescer::finish(const Group& group, VnetHeader& header) {
  const TcpView& view = group.view;
  uint8_t *ip = frames_[group.first].data + view.ip, *tcp = frames_[group.first].data + view.tcp;
  if (view.v6) {
    write16(ip + 4, group.bytes - view.ip - kIpv6Bytes);
  } else {
    write16(ip + 2, group.bytes - view.ip);
    setIpv4Checksum(ip, kIpv4Bytes);
  }
  storeSum(tcp + 16, fold(pseudoSum(ip, view.v6, kProtocolTcp, group.bytes - view.tcp)));
  header.flags = kNeedsChecksum;
  header.gsoType = view.v6 ? kGsoTcp6 : kGsoTcp4;
  header.headerBytes = uint16_t(view.payload);
  header.gsoBytes = uint16_t(group.segmentBytes);
  header.checksumStart = uint16_t(view.tcp);
  header.checksumOffset = 16;
}

}  // namespace wanbond
