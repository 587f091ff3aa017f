#pragma once
#include "unique-fd.h"

namespace wanbond {

struct Tap {
  UniqueFd fd;
  bool vnet = false, tso = false, uso = false;
};

/** Creates a TAP that lives as long as its descriptor. Without the offloads that the kernel refuses. */
OpenError openTap(const char* name, bool wantVnet, Tap& tap);

}  // namespace wanbond
