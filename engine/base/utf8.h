// Reading UTF-8 one character at a time, from text that may be anything.
#pragma once

#include <cstddef>
#include <string_view>

namespace wfe {

struct DecodedCharacter {
  char32_t code = 0;
  size_t length = 0;  ///< Bytes of it; 0: the first byte is not part of UTF-8.
};

/// The first character of `text`, which is not empty.  Overlong forms, surrogates and what lies beyond U+10FFFF are no
/// characters.
DecodedCharacter DecodeFirst(std::string_view text);

}  // namespace wfe
