#pragma once
#include <cstdint>

namespace wanbond {

/** A descriptor that one thread signals and another polls; or a negative errno. */
int openEvent();
int signalEvent(int fd);
/** @returns 1 when it had been signalled, 0 when not, or a negative errno. */
int drainEvent(int fd);
/** ppoll over pairs of words { fd, events | revents << 16 }. @param timeoutMs negative: for ever. */
int pollEvents(int32_t* pairs, int count, double timeoutMs);
double monotonicMs();
/** Whether the processor has instructions that make AES-GCM faster than ChaCha20-Poly1305. */
bool hasAesInstructions();

}  // namespace wanbond
