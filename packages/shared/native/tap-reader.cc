#include "tap-reader.h"

#include <errno.h>
#include <sys/uio.h>
#include <algorithm>

#include "checksum.h"
#include "ethernet.h"
#include "fd-facts.h"

namespace wanbond {
namespace {

constexpr int kCacheLineBytes = 64;
/** Slots between the one that is filled and the one that is fetched: about as long as memory takes. */
constexpr int kFetchedAhead = 2;

/**
 * Has the caches take in a slot before it is written: one that was kept for a while is in none, and each line would stall.
 * Always inlined, since gcc takes a call of what has no effect but this for no call at all.
 */
[[gnu::always_inline]] inline void fetch(const uint8_t* slot, int bytes) {
  for (int at = 0; at < bytes; at += kCacheLineBytes) __builtin_prefetch(slot + at, 1);
}

/** Completes a checksum that the kernel left to the device: its field holds the pseudo header's sum. */
bool completeChecksum(uint8_t* frame, int length, const VnetHeader& header) {
  if (!(header.flags & kNeedsChecksum)) return true;
  const int start = header.checksumStart, at = start + header.checksumOffset;
  if (start >= length || at + 2 > length) return false;
  const uint16_t sum = uint16_t(~fold(addToSum(frame + start, size_t(length - start), 0)));
  storeSum(frame + at, sum == 0 && header.checksumOffset == 6 ? 0xffff : sum);
  return true;
}

}  // namespace

int TapReader::read(Descriptor* descriptors, int max) {
  int filled = 0;
  for (int turns = max + kMaxSegments; filled < max && turns > 0; turns--) {
    Descriptor& descriptor = descriptors[filled];
    uint8_t* slot = pool_.at(descriptor.offset, kSlotCapacity);
    if (slot == nullptr) {
      stats_.badDescriptors++;
      return filled > 0 ? filled : -EINVAL;
    }
    if (!super_.pending()) {
      VnetHeader header;
      const ssize_t length = receive(header, slot);
      if (length < 0) return filled > 0 || length == -EAGAIN ? filled : int(length);
      descriptor.length = accept(header, slot, int(length));
    }
    if (super_.pending()) {
      const int bytes = super_.segmentBytes();
      const int64_t ahead = filled + kFetchedAhead < max ? descriptors[filled + kFetchedAhead].offset : -1;
      if (const uint8_t* next = pool_.at(ahead, bytes)) fetch(next, bytes);
      descriptor.length = super_.cut(slot);
    }
    if (descriptor.length == 0) continue;
    descriptor.flags = 0;
    filled++;
    stats_.tapReadFrames++;
  }
  return filled;
}

/** Reads into the slot and, what is longer, behind it into the super-frame. @returns length, or a negative errno. */
ssize_t TapReader::receive(VnetHeader& header, uint8_t* slot) {
  iovec parts[3] = {{&header, sizeof header},
                    {slot, size_t(kSlotCapacity)},
                    {super_.buffer() + kSlotCapacity, SuperFrame::kBytes - kSlotCapacity}};
  const bool vnet = facts_ & FdFacts::kVnet;
  ssize_t bytes;
  do bytes = readv(fd_, vnet ? parts : parts + 1, vnet ? 3 : 2);
  while (bytes < 0 && errno == EINTR);
  if (bytes < 0) return -errno;
  stats_.tapReads++;
  return vnet ? std::max(bytes - ssize_t(sizeof header), ssize_t(0)) : bytes;
}

/** @returns the length of an ordinary frame; 0 when it was refused or loaded as a super-frame. */
int TapReader::accept(const VnetHeader& header, uint8_t* slot, int length) {
  if (length < kEthernetBytes) return refuse(stats_.tapReadMalformed);
  if (header.gsoType == kGsoNone) {
    if (length > kSlotCapacity) return refuse(stats_.tapReadTooLong);
    return completeChecksum(slot, length, header) ? length : refuse(stats_.tapReadMalformed);
  }
  memcpy(super_.buffer(), slot, size_t(std::min(length, kSlotCapacity)));
  return super_.load(header, length) ? 0 : refuse(stats_.tapReadMalformed);
}

}  // namespace wanbond
