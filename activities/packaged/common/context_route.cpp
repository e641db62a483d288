#include "activities/packaged/common/context_route.h"

#include <algorithm>

namespace wfe::packaged {
namespace {

bool ContinuesCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Where a part of at most `most` bytes ends.
size_t EndOfPart(std::string_view text, size_t most) {
  if (text.size() <= most) return text.size();
  const size_t line = text.rfind('\n', most - 1);
  if (line != std::string_view::npos && line + 1 >= most / 2) return line + 1;
  size_t end = most;
  while (end > 1 && ContinuesCharacter(text[end])) --end;
  return end;
}

}  // namespace

void CheckRecord(const RouteLimits& limits) {
  RequireOfRecord(limits.small_bytes >= 0, "input.limits.small_bytes must not be negative");
  RequireOfRecord(limits.medium_bytes >= limits.small_bytes,
                  "input.limits.medium_bytes must not be below input.limits.small_bytes");
  RequireOfRecord(limits.part_bytes >= 1000, "input.limits.part_bytes must be 1000 at least");
}

ContextRoute RouteBySize(std::string_view material, const RouteLimits& limits) {
  ContextRoute route;
  route.bytes = static_cast<int64_t>(material.size());
  if (route.bytes <= limits.small_bytes) return route;
  route.tier = "medium";
  if (route.bytes <= limits.medium_bytes) return route;
  route.tier = "large";
  route.strategy = kReadDigest;
  route.parts = static_cast<int64_t>(CutIntoParts(material, limits.part_bytes).size());
  return route;
}

std::vector<std::string> CutIntoParts(std::string_view text, int64_t part_bytes) {
  std::vector<std::string> parts;
  const auto most = static_cast<size_t>(std::max<int64_t>(4, part_bytes));
  while (!text.empty()) {
    const size_t end = EndOfPart(text, most);
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return parts;
}

}  // namespace wfe::packaged
