// Timestamps of traces as milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace wfe::analytics {

/// Milliseconds since the Unix epoch.  `exact`: the text is just what LG-3 asks for, "2026-11-21T05:15:02.123Z"; other
/// forms that ParseIso8601 knows are read, too.
std::optional<int64_t> ParseTimestampMs(std::string_view text, bool& exact);

}  // namespace wfe::analytics
