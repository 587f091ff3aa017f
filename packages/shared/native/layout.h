// The shapes that TypeScript and this addon share. Specification: src/pipeline/ports.ts.
#pragma once
#include <cstddef>
#include <cstdint>

namespace wanbond {

/** A packet: where it lies in the pool, and how long it is. */
struct Descriptor {
  int32_t offset, length, flags, aux;
};

/** A remote address as a socket sees it; addresses in network byte order as they lie in memory. */
struct Endpoint {
  int32_t family, port, interfaceIndex, reserved;
  uint32_t remote[4], local[4];
};

constexpr int kOuterHeaderBytes = 16;
constexpr int kTagBytes = 16;
constexpr int kSlotBytes = 2048;
constexpr int kSlotHeadroom = 66;
/**
 * The most that a port writes behind a descriptor's offset. It keeps a datagram of any size, which is not yet
 * authenticated when it is decrypted, from reaching into the next slot.
 */
constexpr int kSlotCapacity = kSlotBytes - kSlotHeadroom - kTagBytes;
constexpr int kMaxKeys = 65536;
constexpr int kReceiveMessages = 32;
constexpr int kReceiveStride = 65536 + 192;
/** Segments in one GSO or GRO batch; older kernels take no more (UDP_MAX_SEGMENTS, UDP_GRO_CNT_MAX). */
constexpr int kMaxSegments = 64;

/** A typed array of the caller's: valid during the call only. data is null when the argument had another type. */
template <typename T>
struct Vector {
  T* data = nullptr;
  size_t count = 0;
  bool holds(int64_t wanted) const { return data != nullptr && wanted >= 0 && uint64_t(wanted) <= count; }
};

/** The packet pool; every access to it goes through at(). */
class Pool {
 public:
  Pool(uint8_t* base, size_t bytes) : base_(base), bytes_(int64_t(bytes)) {}
  /** @returns null unless all of [offset, offset + length) lies in the pool. */
  uint8_t* at(int64_t offset, int64_t length) const {
    return offset >= 0 && length >= 0 && offset + length <= bytes_ ? base_ + offset : nullptr;
  }

 private:
  uint8_t* base_;
  int64_t bytes_;
};

}  // namespace wanbond
