// SHA-256 and HMAC-SHA-256 over byte strings (OpenSSL inside).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace wfe {

using Sha256Digest = std::array<uint8_t, 32>;

/// SHA-256 of the parts, one after the other.
Sha256Digest Sha256(std::initializer_list<std::string_view> parts);
inline Sha256Digest Sha256(std::string_view bytes) { return Sha256({bytes}); }

/// HMAC-SHA-256 (RFC 2104) under one key.  Its two pads are made once: OpenSSL's HMAC sets its algorithm and its key up
/// anew for each message, which took 3 % of the server's time for task tokens of 100 bytes.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);
  Sha256Digest Sign(std::string_view bytes) const;

 private:
  std::array<char, 64> inner_;
  std::array<char, 64> outer_;
};

/// True when both are equal; takes the same time wherever they differ.
bool EqualInConstantTime(std::string_view a, std::string_view b);

/// Lower-case hexadecimal.
std::string ToHex(std::string_view bytes);
std::string ToHex(const Sha256Digest& digest);

/// The digest as a byte string of length 32.
inline std::string_view AsBytes(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// SHA-256 of something that arrives in pieces (a file, a stream).
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void Update(std::string_view bytes);
  /// Ends the stream; call once.
  Sha256Digest Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wfe
