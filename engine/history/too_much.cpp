#include "engine/history/too_much.h"

namespace wfe::history {

std::optional<std::string> TooMuch(const std::string& what, size_t found, int64_t limit, const std::string& limit_name,
                                   const std::string& unit) {
  if (static_cast<int64_t>(found) <= limit) return std::nullopt;
  return what + " has " + std::to_string(found) + " " + unit + ", at most " + std::to_string(limit) + " (" +
         limit_name + ")";
}

}  // namespace wfe::history
