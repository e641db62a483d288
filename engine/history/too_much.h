// The sentence that every refusal over a limit is told with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace wfe::history {

/// "WHAT has 1001 bytes, at most 1000 (LIMIT_NAME)" when `found` is beyond `limit`, else nothing.
std::optional<std::string> TooMuch(const std::string& what, size_t found, int64_t limit, const std::string& limit_name,
                                   const std::string& unit = "bytes");

}  // namespace wfe::history
