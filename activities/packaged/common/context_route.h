// Which model a question goes to, and which way, by how much there is to be read (CW-7).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::packaged {

/// Where one tier ends and the next begins.  In bytes, of which a token of usual text has about four: what a route
/// depends on stays the same when an estimate of tokens gets better.
struct RouteLimits {
  int64_t small_bytes = 32'000;    ///< At most: about 8,000 tokens.
  int64_t medium_bytes = 400'000;  ///< At most: about 100,000 tokens.
  int64_t part_bytes = 100'000;    ///< Of a part of what is beyond that.

  friend bool operator==(const RouteLimits&, const RouteLimits&) = default;
};
WFE_RECORD(RouteLimits, small_bytes, medium_bytes, part_bytes);
constexpr RecordRules RulesOf(const RouteLimits*) { return {.refuses_unknown = true, .subject = "input.limits"}; }
void CheckRecord(const RouteLimits& limits);

inline constexpr std::string_view kReadWhole = "whole";    ///< All of it stands in every prompt.
inline constexpr std::string_view kReadDigest = "digest";  ///< Parts are read one by one, and their digests stand there.

struct ContextRoute {
  std::string tier = "small";  ///< small, medium or large; the model of that name answers where none is named.
  std::string strategy{kReadWhole};
  int64_t bytes = 0;
  int64_t parts = 1;

  friend bool operator==(const ContextRoute&, const ContextRoute&) = default;
};
WFE_RECORD(ContextRoute, tier, strategy, bytes, parts);

/// Pure.
ContextRoute RouteBySize(std::string_view material, const RouteLimits& limits = {});

/// The text in parts of at most so many bytes, cut after a line's end where there is one in the last half of a part and
/// never within a character; put together they are the text.
std::vector<std::string> CutIntoParts(std::string_view text, int64_t part_bytes);

}  // namespace wfe::packaged
