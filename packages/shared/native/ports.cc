#include "ports.h"

#include <errno.h>

#include "fd-facts.h"

namespace wanbond {

TapReader* Ports::readerOf(int fd, uint32_t facts) {
  std::unique_ptr<TapReader>& reader = readers_[fd];
  if (reader == nullptr || !reader->serves(facts)) reader = std::make_unique<TapReader>(fd, facts, pool_, stats_);
  return reader.get();
}

int Ports::tapRead(int fd, Vector<Descriptor> descriptors, int max) {
  if (!descriptors.holds(max)) return -EINVAL;
  const uint32_t facts = FdFacts::of(fd);
  if (!(facts & FdFacts::kTap)) {
    readers_.erase(fd);
    return -EBADF;
  }
  return readerOf(fd, facts)->read(descriptors.data, max);
}

int Ports::tapWrite(int fd, Vector<Descriptor> descriptors, Vector<int32_t> selection, int count) {
  if (descriptors.data == nullptr || !selection.holds(count)) return -EINVAL;
  const uint32_t facts = FdFacts::of(fd);
  if (!(facts & FdFacts::kTap)) return -EBADF;
  return tapWriter_.write(fd, facts & FdFacts::kVnet, descriptors, selection.data, count);
}

int Ports::udpRead(int fd, int64_t arenaOffset, Vector<Descriptor> descriptors, int max, Vector<Endpoint> endpoints) {
  if (!descriptors.holds(max) || !endpoints.holds(kReceiveMessages)) return -EINVAL;
  return udpReader_.read(fd, arenaOffset, descriptors.data, max, endpoints.data);
}

int Ports::udpWrite(int fd, Vector<Endpoint> endpoints, int endpoint, Vector<Descriptor> descriptors,
                    Vector<int32_t> selection, int count) {
  if (descriptors.data == nullptr || !selection.holds(count) || endpoint < 0) return -EINVAL;
  if (!endpoints.holds(int64_t(endpoint) + 1)) return -EINVAL;
  return udpWriter_.write(fd, endpoints.data[endpoint], descriptors, selection.data, count);
}

int Ports::seal(Vector<Descriptor> plain, Vector<Descriptor> sealed, int count) {
  if (!plain.holds(count) || !sealed.holds(count)) return -EINVAL;
  aead_.seal(plain.data, sealed.data, count);
  return 0;
}

int Ports::open(Vector<Descriptor> sealed, Vector<Descriptor> plain, int count) {
  if (!plain.holds(count) || !sealed.holds(count)) return -EINVAL;
  return aead_.open(sealed.data, plain.data, count);
}

int Ports::setKey(int index, int cipher, Vector<uint8_t> key, bool sealing) {
  if (key.data == nullptr || key.count != kKeyBytes || cipher < 0 || cipher >= kCipherCount) return -EINVAL;
  std::unique_ptr<AeadKey> made = AeadKey::make(cipher, key.data, sealing);
  if (made == nullptr) return -EOPNOTSUPP;
  return keys(sealing).put(index, std::move(made)) ? 0 : -EINVAL;
}

int Ports::clearKey(int index, bool sealing) { return keys(sealing).put(index, nullptr) ? 0 : -EINVAL; }

}  // namespace wanbond
