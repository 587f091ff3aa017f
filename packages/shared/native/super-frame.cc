#include "super-frame.h"

#include <algorithm>

#include "checksum.h"
#include "ethernet.h"
#include "layout.h"

namespace wanbond {
namespace {
constexpr int kFlags = 13;
constexpr uint8_t kFinAndPush = 0x09, kCwr = 0x80;
}  // namespace

bool SuperFrame::load(const VnetHeader& header, int length) {
  clear();
  if (!place(header, length)) return false;
  payloadBytes_ = length - payload_;
  gsoBytes_ = header.gsoBytes;
  if (payloadBytes_ <= 0 || gsoBytes_ == 0) return false;
  if (payload_ + std::min(gsoBytes_, payloadBytes_) > kSlotCapacity) return false;
  count_ = (payloadBytes_ + gsoBytes_ - 1) / gsoBytes_;
  return true;
}

/** Finds the headers. */
bool SuperFrame::place(const VnetHeader& header, int length) {
  const int type = header.gsoType & ~kGsoEcn;
  if (type != kGsoTcp4 && type != kGsoTcp6 && type != kGsoUdp) return false;
  const IpStart ip = findIp(frame_.get(), length);
  if (ip.offset < 0) return false;
  ip_ = ip.offset;
  v6_ = ip.v6;
  tcp_ = type != kGsoUdp;
  if (tcp_ && v6_ != (type == kGsoTcp6)) return false;
  const int ipBytes = v6_ ? kIpv6Bytes : (frame_[ip_] & 15) * 4;
  transport_ = header.flags & kNeedsChecksum ? header.checksumStart : ip_ + ipBytes;
  if (ipBytes < kIpv4Bytes || transport_ < ip_ + ipBytes) return false;
  if (transport_ + (tcp_ ? kTcpBytes : kUdpBytes) > length) return false;
  const int transportBytes = tcp_ ? (frame_[transport_ + 12] >> 4) * 4 : kUdpBytes;
  payload_ = transport_ + transportBytes;
  return !tcp_ || transportBytes >= kTcpBytes;
}

int SuperFrame::cut(uint8_t* out) {
  const int index = next_++;
  const int from = index * gsoBytes_;
  const int bytes = std::min(gsoBytes_, payloadBytes_ - from);
  memcpy(out, frame_.get(), size_t(payload_));
  memcpy(out + payload_, frame_.get() + payload_ + from, size_t(bytes));
  const int length = payload_ + bytes;
  finishIp(out + ip_, index, length - ip_);
  if (tcp_) {
    finishTcp(out + transport_, index);
  } else {
    write16(out + transport_ + 4, length - transport_);
  }
  finishChecksum(out + ip_, out + transport_, length - transport_);
  return length;
}

void SuperFrame::finishIp(uint8_t* ip, int index, int bytes) const {
  if (v6_) {
    write16(ip + 4, bytes - kIpv6Bytes);
    return;
  }
  write16(ip + 2, bytes);
  write16(ip + 4, read16(ip + 4) + index);
  setIpv4Checksum(ip, (ip[0] & 15) * 4);
}

void SuperFrame::finishTcp(uint8_t* tcp, int index) const {
  write32(tcp + 4, read32(tcp + 4) + uint32_t(index) * uint32_t(gsoBytes_));
  if (next_ < count_) tcp[kFlags] &= uint8_t(~kFinAndPush);
  if (index > 0) tcp[kFlags] &= uint8_t(~kCwr);
}

void SuperFrame::finishChecksum(const uint8_t* ip, uint8_t* transport, int bytes) const {
  uint8_t* at = transport + (tcp_ ? 16 : 6);
  storeSum(at, 0);
  const uint64_t pseudo = pseudoSum(ip, v6_, tcp_ ? kProtocolTcp : kProtocolUdp, bytes);
  const uint16_t sum = uint16_t(~fold(addToSum(transport, size_t(bytes), pseudo)));
  storeSum(at, sum == 0 && !tcp_ ? 0xffff : sum);  // 0 would say that UDP has no checksum (RFC 768)
}

}  // namespace wanbond
