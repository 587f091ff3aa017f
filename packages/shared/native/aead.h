#pragma once
#include <openssl/evp.h>
#include <array>
#include <memory>

#include "layout.h"
#include "stats.h"

namespace wanbond {

constexpr size_t kKeyBytes = 32;
/** CIPHER_* of ports.ts, numbered from 0. */
constexpr int kCipherCount = 4;

/** One direction's key: an OpenSSL context that is keyed once and gets a nonce per packet. */
class AeadKey {
 public:
  /** @param cipher in [0, kCipherCount). @returns null when OpenSSL does not have it. */
  static std::unique_ptr<AeadKey> make(int cipher, const uint8_t* key, bool sealing);
  /** datagram: the header stands there, ciphertext and tag are put behind it. */
  bool seal(uint8_t* datagram, const uint8_t* plain, int bytes);
  /** @param bytes of the plaintext. */
  bool open(const uint8_t* datagram, uint8_t* plain, int bytes);

 private:
  struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;
  AeadKey(Context context, bool authOnly) : context_(std::move(context)), authOnly_(authOnly) {}
  bool start(const uint8_t* header);
  bool payload(uint8_t* out, const uint8_t* in, int bytes);

  Context context_;
  bool authOnly_;
};

/** Keys by index, in pages, so that few keys take little memory. */
class KeyTable {
 public:
  AeadKey* find(int index) const;
  /** A null key clears. @returns false when the index is out of range. */
  bool put(int index, std::unique_ptr<AeadKey> key);

 private:
  static constexpr int kPageKeys = 256;
  using Page = std::array<std::unique_ptr<AeadKey>, kPageKeys>;
  std::array<std::unique_ptr<Page>, kMaxKeys / kPageKeys> pages_;
};

/** Seals and opens vectors of packets. */
class Aead {
 public:
  Aead(const Pool& pool, Stats& stats) : pool_(pool), stats_(stats) {}
  KeyTable sealKeys, openKeys;
  void seal(const Descriptor* plain, Descriptor* sealed, int count);
  /** @returns how many were authentic. */
  int open(const Descriptor* sealed, Descriptor* plain, int count);

 private:
  int sealOne(const Descriptor& plain, const Descriptor& sealed);
  int openOne(const Descriptor& sealed, const Descriptor& plain);
  int refuse(uint64_t& counter) {
    counter++;
    return -1;
  }

  const Pool& pool_;
  Stats& stats_;
};

}  // namespace wanbond
