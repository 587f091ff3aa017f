#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "virtio.h"

namespace wanbond {

/**
 * A TCP or UDP super-frame of the kernel, cut frame by frame. One is in flight per TAP and survives between calls.
 *
 * Cuts as the kernel's own software segmentation does (tcp_gso_segment, inet_gso_segment): IPv4 identifications count
 * up, FIN and PSH stand on the last segment only, CWR on the first only; all checksums are complete.
 */
class SuperFrame {
 public:
  static constexpr size_t kBytes = 65536 + 256;

  /** Where the frame is to be put before load(). */
  uint8_t* buffer() { return frame_.get(); }
  /** @returns false when the header contradicts the frame or its segments fit no slot; then nothing is pending. */
  bool load(const VnetHeader& header, int length);
  bool pending() const { return next_ < count_; }
  /** Of a whole segment; the last may be shorter. */
  int segmentBytes() const { return payload_ + gsoBytes_; }
  /** Builds the next segment at out (kSlotCapacity bytes). @returns its length. */
  int cut(uint8_t* out);
  void clear() { next_ = count_ = 0; }

 private:
  bool place(const VnetHeader& header, int length);
  void finishIp(uint8_t* ip, int index, int bytes) const;
  void finishTcp(uint8_t* tcp, int index) const;
  void finishChecksum(const uint8_t* ip, uint8_t* transport, int bytes) const;

  std::unique_ptr<uint8_t[]> frame_{new uint8_t[kBytes]};
  int ip_ = 0, transport_ = 0, payload_ = 0, payloadBytes_ = 0, gsoBytes_ = 0, next_ = 0, count_ = 0;
  bool v6_ = false, tcp_ = false;
};

}  // namespace wanbond
