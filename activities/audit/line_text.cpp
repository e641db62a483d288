#include "activities/audit/line_text.h"

namespace wfe::activities {

std::string_view WithoutByteOrderMark(std::string_view line) {
  static constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return line.starts_with(kMark) ? line.substr(kMark.size()) : line;
}

}  // namespace wfe::activities
