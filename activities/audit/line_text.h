// What both readers of a trace ask of a line before they look at its fields, so that they agree on what an entry is.
#pragma once

#include <cstddef>
#include <string_view>

namespace wfe::activities {

/// Arrays and objects inside each other, at most.  Ours has four; what is deeper was made to break a reader.
inline constexpr size_t kMaxLineDepth = 200;

/// True when brackets outside of strings open more than `max_depth` levels.  One pass, no recursion; the text need not
/// be JSON.
bool IsNestedTooDeeply(std::string_view text, size_t max_depth = kMaxLineDepth);

/// Without the byte order mark that some editors put first.
std::string_view WithoutByteOrderMark(std::string_view line);

}  // namespace wfe::activities
