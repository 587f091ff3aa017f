#include "tcp-view.h"

#include "checksum.h"
#include "ethernet.h"

namespace wanbond {
namespace {

TcpKind kindOf4(const uint8_t* ip, int bytes) {
  if (ip[9] != kProtocolTcp) return TcpKind::Other;
  const bool plain = ip[0] == 0x45 && (read16(ip + 6) & 0x3fff) == 0 && read16(ip + 2) == bytes;
  return plain ? TcpKind::Plain : TcpKind::Opaque;
}

TcpKind kindOf6(const uint8_t* ip, int bytes) {
  constexpr uint8_t kIcmp6 = 58;
  if (ip[6] == kProtocolUdp || ip[6] == kIcmp6) return TcpKind::Other;
  return ip[6] == kProtocolTcp && read16(ip + 4) == bytes - kIpv6Bytes ? TcpKind::Plain : TcpKind::Opaque;
}

}  // namespace

TcpView viewTcp(const uint8_t* frame, int length) {
  TcpView view;
  const IpStart start = findIp(frame, length);
  if (start.offset < 0) return view;
  const uint8_t* ip = frame + start.offset;
  view.ip = start.offset;
  view.v6 = start.v6;
  view.kind = view.v6 ? kindOf6(ip, length - view.ip) : kindOf4(ip, length - view.ip);
  if (view.kind != TcpKind::Plain) return view;
  view.tcp = view.ip + (view.v6 ? kIpv6Bytes : kIpv4Bytes);
  view.payload = length < view.tcp + kTcpBytes ? length + 1 : view.tcp + (frame[view.tcp + 12] >> 4) * 4;
  if (view.payload > length || view.payload < view.tcp + kTcpBytes) view.kind = TcpKind::Opaque;
  return view;
}

bool checksumsHold(const uint8_t* frame, int length, const TcpView& view) {
  const uint8_t* ip = frame + view.ip;
  if (!view.v6 && fold(addToSum(ip, kIpv4Bytes, 0)) != 0xffff) return false;
  const int bytes = length - view.tcp;
  return fold(addToSum(frame + view.tcp, size_t(bytes), pseudoSum(ip, view.v6, kProtocolTcp, bytes))) == 0xffff;
}

}  // namespace wanbond
