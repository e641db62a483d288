// Text of others on its way to a terminal, a page or a log: nothing in it may move the cursor, change colours, ring, or
// turn the direction of what stands beside it.
#pragma once

#include <string>
#include <string_view>

namespace wfe {

/// One line: control characters (C0, DEL, C1), the characters that direct or hide text (bidirectional controls, line
/// and paragraph separators, byte order mark) and bytes that are not UTF-8 stand as visible escapes: \n, \x1b, \u202e.
std::string PrintableLine(std::string_view text);

/// The same for text of several lines: newlines and tabs stay.
std::string PrintableText(std::string_view text);

/// JSON as it was dumped, with what PrintableLine would escape inside its strings as \uXXXX: the value is the same.
/// Bytes that are not UTF-8 become U+FFFD.
std::string PrintableJson(std::string_view dumped);

}  // namespace wfe
