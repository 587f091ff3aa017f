#pragma once
#include <sys/uio.h>

#include "coalescer.h"
#include "layout.h"
#include "stats.h"

namespace wanbond {

/** Writes frames to TAPs, TCP segments joined where the device has a vnet header. */
class TapWriter {
 public:
  TapWriter(const Pool& pool, Stats& stats) : pool_(pool), stats_(stats) {}
  /** @returns frames written. */
  int write(int fd, bool vnet, Vector<Descriptor> descriptors, const int32_t* selection, int count);

 private:
  int flush(int fd, bool vnet);
  bool writeGroup(int fd, bool vnet, const Coalescer::Group& group);

  const Pool& pool_;
  Stats& stats_;
  Coalescer coalescer_;
  iovec parts_[kMaxSegments + 1];
};

}  // namespace wanbond
