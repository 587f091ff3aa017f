// Counters of one set of ports. Names and order are repeated in src/io/native.ts (a test compares them).
#pragma once
#include <cstdint>

namespace wanbond {

#define WANBOND_STATS(X)                                                                                     \
  X(tapReads) X(tapReadFrames) X(tapReadTooLong) X(tapReadMalformed)                                         \
  X(tapWrites) X(tapWriteFrames) X(tapWriteRefused)                                                          \
  X(udpReads) X(udpReadMessages) X(udpReadDatagrams) X(udpReadEmpty) X(udpReadOverflow)                      \
  X(udpWrites) X(udpWriteMessages) X(udpWriteDatagrams) X(udpWriteFull) X(udpWriteRefused) X(udpGsoRefused)  \
  X(sealed) X(sealRefused) X(opened) X(openForged) X(openNoKey) X(openBadLength) X(badDescriptors)

struct Stats {
#define X(name) uint64_t name = 0;
  WANBOND_STATS(X)
#undef X
};

inline constexpr const char* kStatNames[] = {
#define X(name) #name,
    WANBOND_STATS(X)
#undef X
};
constexpr int kStatCount = sizeof(kStatNames) / sizeof(kStatNames[0]);
static_assert(sizeof(Stats) == kStatCount * sizeof(uint64_t), "Stats holds counters only");

}  // namespace wanbond
