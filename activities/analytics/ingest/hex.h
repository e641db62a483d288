// Lower-case hexadecimal, read fast.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace wfe::analytics {

/// The value of each hex digit; 0x80 for any other byte.
inline constexpr std::array<uint8_t, 256> kHexDigits = [] {
  std::array<uint8_t, 256> digits{};
  for (size_t c = 0; c < digits.size(); ++c) {
    const bool number = c >= '0' && c <= '9';
    const bool letter = c >= 'a' && c <= 'f';
    digits[c] = static_cast<uint8_t>(number ? c - '0' : letter ? c - 'a' + 10 : 0x80);
  }
  return digits;
}();

inline bool IsHex(std::string_view text) {
  uint8_t bad = 0;
  for (const char c : text) bad |= kHexDigits[static_cast<uint8_t>(c)];
  return bad < 0x80;
}

/// `size` bytes from twice as many digits; false when `hex` is something else.
inline bool FromHex(std::string_view hex, uint8_t* out, size_t size) {
  if (hex.size() != size * 2) return false;
  uint8_t bad = 0;
  for (size_t i = 0; i < size; ++i) {
    const uint8_t high = kHexDigits[static_cast<uint8_t>(hex[2 * i])];
    const uint8_t low = kHexDigits[static_cast<uint8_t>(hex[2 * i + 1])];
    bad |= high | low;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return bad < 0x80;
}

}  // namespace wfe::analytics
