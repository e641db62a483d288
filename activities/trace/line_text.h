// What both readers of a trace ask of a line before they look at its fields, so that they agree on what an entry is.
#pragma once

#include <string_view>

namespace wfe::trace {

/// Without the byte order mark that some editors put first.
std::string_view WithoutByteOrderMark(std::string_view line);

}  // namespace wfe::trace
