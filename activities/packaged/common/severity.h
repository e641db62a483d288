// How bad a finding is, in the words and the order that all packaged workflows have.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace wfe::packaged {

inline constexpr std::string_view kSeverities[] = {"critical", "high", "medium", "low", "info"};

/// 0 for the most severe; the number of severities for a word that is none.
inline size_t SeverityRank(std::string_view severity) {
  return static_cast<size_t>(std::ranges::find(kSeverities, severity) - std::begin(kSeverities));
}

}  // namespace wfe::packaged
