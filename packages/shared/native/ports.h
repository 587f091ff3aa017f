#pragma once
#include <memory>
#include <unordered_map>

#include "aead.h"
#include "tap-reader.h"
#include "tap-writer.h"
#include "udp-reader.h"
#include "udp-writer.h"

namespace wanbond {

/** All that works on one packet pool. It owns no descriptor: whoever opened one closes it. */
class Ports {
 public:
  Ports(uint8_t* pool, size_t bytes) : pool_(pool, bytes) {}
  Ports(const Ports&) = delete;
  Ports& operator=(const Ports&) = delete;

  int tapRead(int fd, Vector<Descriptor> descriptors, int max);
  int tapWrite(int fd, Vector<Descriptor> descriptors, Vector<int32_t> selection, int count);
  int udpRead(int fd, int64_t arenaOffset, Vector<Descriptor> descriptors, int max, Vector<Endpoint> endpoints);
  int udpWrite(int fd, Vector<Endpoint> endpoints, int endpoint, Vector<Descriptor> descriptors,
               Vector<int32_t> selection, int count);
  int seal(Vector<Descriptor> plain, Vector<Descriptor> sealed, int count);
  int open(Vector<Descriptor> sealed, Vector<Descriptor> plain, int count);
  int setKey(int index, int cipher, Vector<uint8_t> key, bool sealing);
  int clearKey(int index, bool sealing);
  const Stats& stats() const { return stats_; }

 private:
  TapReader* readerOf(int fd, uint32_t facts);
  KeyTable& keys(bool sealing) { return sealing ? aead_.sealKeys : aead_.openKeys; }

  Pool pool_;
  Stats stats_;
  std::unordered_map<int, std::unique_ptr<TapReader>> readers_;
  TapWriter tapWriter_{pool_, stats_};
  UdpReader udpReader_{pool_, stats_};
  UdpWriter udpWriter_{pool_, stats_};
  Aead aead_{pool_, stats_};
};

}  // namespace wanbond
