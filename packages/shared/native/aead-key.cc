#include <openssl/core_names.h>
#include <openssl/params.h>
#include <string.h>

#include "aead.h"

namespace wanbond {
namespace {

constexpr const char* kCiphers[kCipherCount] = {"AES-256-GCM", "ChaCha20-Poly1305", "AES-256-GCM", "ChaCha20-Poly1305"};
constexpr int kFirstAuthOnly = 2;
constexpr int kNonceBytes = 12;

/** Header bytes 0..3 and 8..15: type, path and flags, counter. */
void nonceOf(const uint8_t* header, uint8_t* nonce) {
  memcpy(nonce, header, 4);
  memcpy(nonce + 4, header + 8, 8);
}

}  // namespace

std::unique_ptr<AeadKey> AeadKey::make(int cipher, const uint8_t* key, bool sealing) {
  EVP_CIPHER* fetched = EVP_CIPHER_fetch(nullptr, kCiphers[cipher], nullptr);
  Context context(EVP_CIPHER_CTX_new());
  const bool ok = fetched != nullptr && context != nullptr &&
                  EVP_CipherInit_ex2(context.get(), fetched, key, nullptr, sealing ? 1 : 0, nullptr) == 1;
  EVP_CIPHER_free(fetched);
  return std::unique_ptr<AeadKey>(ok ? new AeadKey(std::move(context), cipher >= kFirstAuthOnly) : nullptr);
}

bool AeadKey::start(const uint8_t* header) {
  uint8_t nonce[kNonceBytes];
  int bytes;
  nonceOf(header, nonce);
  return EVP_CipherInit_ex2(context_.get(), nullptr, nullptr, nonce, -1, nullptr) == 1 &&
         EVP_CipherUpdate(context_.get(), nullptr, &bytes, header, kOuterHeaderBytes) == 1;
}

/** An empty payload is no update: OpenSSL would take it for associated data. */
bool AeadKey::payload(uint8_t* out, const uint8_t* in, int bytes) {
  int done;
  if (bytes == 0) return true;
  return EVP_CipherUpdate(context_.get(), authOnly_ ? nullptr : out, &done, in, bytes) == 1;
}

bool AeadKey::seal(uint8_t* datagram, const uint8_t* plain, int bytes) {
  uint8_t* sealed = datagram + kOuterHeaderBytes;
  int rest;
  if (!start(datagram) || !payload(sealed, plain, bytes)) return false;
  if (authOnly_) memmove(sealed, plain, size_t(bytes));
  if (EVP_CipherFinal_ex(context_.get(), sealed + bytes, &rest) != 1) return false;
  OSSL_PARAM tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, sealed + bytes, kTagBytes),
                      OSSL_PARAM_construct_end()};
  return EVP_CIPHER_CTX_get_params(context_.get(), tag) == 1;
}

bool AeadKey::open(const uint8_t* datagram, uint8_t* plain, int bytes) {
  const uint8_t* sealed = datagram + kOuterHeaderBytes;
  uint8_t expected[kTagBytes], none[kTagBytes];
  int rest;
  memcpy(expected, sealed + bytes, kTagBytes);
  OSSL_PARAM tag[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, expected, kTagBytes),
                      OSSL_PARAM_construct_end()};
  if (!start(datagram) || EVP_CIPHER_CTX_set_params(context_.get(), tag) != 1) return false;
  if (!payload(plain, sealed, bytes) || EVP_CipherFinal_ex(context_.get(), none, &rest) != 1) return false;
  if (authOnly_) memmove(plain, sealed, size_t(bytes));
  return true;
}

}  // namespace wanbond
