// Text as a model gives it, put into a file as the file is written: a model sees lines, not the bytes that end them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace wfe::agent {

struct ReplacedText {
  std::string text;
  int64_t found = 0;  ///< How often `from` was there.
};

/// `content` with every `from` replaced by `to`.  "\n" and "\r\n" are the same thing in `from`; what is put in has the
/// line ends of the place it comes to.  A `from` that ends in a line end also matches at the end of a file that has
/// none.  A file with "\n" only is changed byte by byte.
ReplacedText ReplaceText(std::string_view content, std::string_view from, std::string_view to);

/// `content` with the line ends and the byte order mark of the file `before` it replaces, where that file has one kind
/// of line end throughout; else `content` as it is.
std::string KeepFormOf(std::string_view before, std::string_view content);

}  // namespace wfe::agent
