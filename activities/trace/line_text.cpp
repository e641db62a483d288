#include "activities/trace/line_text.h"

namespace wfe::trace {

std::string_view WithoutByteOrderMark(std::string_view line) {
  static constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return line.starts_with(kMark) ? line.substr(kMark.size()) : line;
}

}  // namespace wfe::trace
