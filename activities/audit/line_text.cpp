#include "activities/audit/line_text.h"

namespace wfe::activities {

bool IsNestedTooDeeply(std::string_view text, size_t max_depth) {
  size_t depth = 0;
  size_t at = 0;
  while ((at = text.find_first_of("\"[]{}", at)) != std::string_view::npos) {
    const char c = text[at++];
    if (c == '"') {
      // To the end of the string; an escaped quote does not end it.
      while ((at = text.find_first_of("\"\\", at)) != std::string_view::npos && text[at] == '\\') at += 2;
      if (at >= text.size()) return false;
      ++at;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if (depth > 0) {
      --depth;
    }
  }
  return false;
}

std::string_view WithoutByteOrderMark(std::string_view line) {
  static constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return line.starts_with(kMark) ? line.substr(kMark.size()) : line;
}

}  // namespace wfe::activities
