#include "aead.h"

namespace wanbond {

AeadKey* KeyTable::find(int index) const {
  if (index < 0 || index >= kMaxKeys) return nullptr;
  const auto& page = pages_[size_t(index / kPageKeys)];
  return page == nullptr ? nullptr : (*page)[size_t(index % kPageKeys)].get();
}

bool KeyTable::put(int index, std::unique_ptr<AeadKey> key) {
  if (index < 0 || index >= kMaxKeys) return false;
  auto& page = pages_[size_t(index / kPageKeys)];
  if (page == nullptr && key == nullptr) return true;
  if (page == nullptr) page = std::make_unique<Page>();
  (*page)[size_t(index % kPageKeys)] = std::move(key);
  return true;
}

void Aead::seal(const Descriptor* plain, Descriptor* sealed, int count) {
  for (int i = 0; i < count; i++) sealed[i].length = sealOne(plain[i], sealed[i]);
}

int Aead::sealOne(const Descriptor& plain, const Descriptor& sealed) {
  constexpr int kOverhead = kOuterHeaderBytes + kTagBytes;
  AeadKey* key = sealKeys.find(plain.aux);
  if (key == nullptr || plain.length < 0 || plain.length > kSlotBytes - kOverhead) return refuse(stats_.sealRefused);
  const uint8_t* from = pool_.at(plain.offset, plain.length);
  uint8_t* to = pool_.at(sealed.offset, plain.length + kOverhead);
  if (from == nullptr || to == nullptr) return refuse(stats_.badDescriptors);
  if (!key->seal(to, from, plain.length)) return refuse(stats_.sealRefused);
  stats_.sealed++;
  return plain.length + kOverhead;
}

int Aead::open(const Descriptor* sealed, Descriptor* plain, int count) {
  int authentic = 0;
  for (int i = 0; i < count; i++) {
    plain[i].length = openOne(sealed[i], plain[i]);
    if (plain[i].length >= 0) authentic++;
  }
  stats_.opened += uint64_t(authentic);
  return authentic;
}

int Aead::openOne(const Descriptor& sealed, const Descriptor& plain) {
  AeadKey* key = openKeys.find(sealed.aux);
  if (key == nullptr) return refuse(stats_.openNoKey);
  const int64_t bytes = int64_t(sealed.length) - kOuterHeaderBytes - kTagBytes;
  if (bytes < 0 || bytes > kSlotCapacity) return refuse(stats_.openBadLength);
  const uint8_t* from = pool_.at(sealed.offset, sealed.length);
  uint8_t* to = pool_.at(plain.offset, bytes);
  if (from == nullptr || to == nullptr) return refuse(stats_.badDescriptors);
  return key->open(from, to, int(bytes)) ? int(bytes) : refuse(stats_.openForged);
}

}  // namespace wanbond
