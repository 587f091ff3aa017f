// Context-aware: no state outlives or is shared between environments, but for what the process knows of its
// descriptors (fd-facts.h). It may be loaded by the main thread and by any number of workers.
#include "call.h"

NAPI_MODULE_INIT() {
  wanbond::definePorts(env, exports);
  wanbond::defineSystem(env, exports);
  return exports;
}
