#pragma once
#include <sys/types.h>

#include "layout.h"
#include "stats.h"
#include "super-frame.h"

namespace wanbond {

/** Reads frames of one TAP. */
class TapReader {
 public:
  TapReader(int fd, uint32_t facts, const Pool& pool, Stats& stats)
      : fd_(fd), facts_(facts), pool_(pool), stats_(stats) {}
  /** Whether the descriptor number still means the TAP this reader was made for. */
  bool serves(uint32_t facts) const { return facts == facts_; }
  /** @returns descriptors filled, or a negative errno when there were none. */
  int read(Descriptor* descriptors, int max);

 private:
  ssize_t receive(VnetHeader& header, uint8_t* slot);
  int accept(const VnetHeader& header, uint8_t* slot, int length);
  int refuse(uint64_t& counter) {
    counter++;
    return 0;
  }

  int fd_;
  uint32_t facts_;
  const Pool& pool_;
  Stats& stats_;
  SuperFrame super_;
};

}  // namespace wanbond
