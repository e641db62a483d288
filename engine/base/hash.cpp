#include "engine/base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "engine/base/check.h"

namespace wfe {
namespace {

// Fetching the algorithm by name costs more than hashing an event, so it is done once.
const EVP_MD* Algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

}  // namespace

Sha256Digest Sha256(std::initializer_list<std::string_view> parts) {
  thread_local const Context context(EVP_MD_CTX_new());
  WFE_CHECK(EVP_DigestInit_ex2(context.get(), Algorithm(), nullptr) == 1);
  for (const std::string_view part : parts) {
    WFE_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Sha256Digest digest;
  WFE_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

HmacKey::HmacKey(std::string_view key) {
  const Sha256Digest hashed = Sha256(key);
  if (key.size() > inner_.size()) key = AsBytes(hashed);
  for (size_t i = 0; i < inner_.size(); ++i) {
    const char byte = i < key.size() ? key[i] : '\0';
    inner_[i] = static_cast<char>(byte ^ 0x36);
    outer_[i] = static_cast<char>(byte ^ 0x5c);
  }
}

Sha256Digest HmacKey::Sign(std::string_view bytes) const {
  const Sha256Digest inside = Sha256({{inner_.data(), inner_.size()}, bytes});
  return Sha256({{outer_.data(), outer_.size()}, AsBytes(inside)});
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string ToHex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    text += kHex[byte >> 4];
    text += kHex[byte & 0xf];
  }
  return text;
}

std::string ToHex(const Sha256Digest& digest) { return ToHex(AsBytes(digest)); }

struct Sha256Stream::Impl {
  Context context{EVP_MD_CTX_new()};
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {
  WFE_CHECK(EVP_DigestInit_ex2(impl_->context.get(), Algorithm(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(std::string_view bytes) {
  WFE_CHECK(EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256Stream::Finish() {
  Sha256Digest digest;
  WFE_CHECK(EVP_DigestFinal_ex(impl_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace wfe
