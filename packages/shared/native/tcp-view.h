#pragma once
#include <cstdint>

namespace wanbond {

enum class TcpKind : uint8_t {
  /** TCP with headers that can be joined: no IPv4 options, no IPv6 extensions, no fragment. */
  Plain,
  /** Something else than TCP. */
  Other,
  /** Possibly TCP behind headers that are not looked into: nothing may overtake it. */
  Opaque,
};

/** Where the headers of a TCP frame are. */
struct TcpView {
  TcpKind kind = TcpKind::Other;
  bool v6 = false;
  int ip = 0, tcp = 0, payload = 0;
};

TcpView viewTcp(const uint8_t* frame, int length);
/** Whether the checksums of TCP and of the IPv4 header hold. */
bool checksumsHold(const uint8_t* frame, int length, const TcpView& view);

}  // namespace wanbond
