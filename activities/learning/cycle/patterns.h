// What the best examples have in common, as named reusable patterns (PO-3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::learning {

struct PatternExample {
  std::string id;
  std::string text;
  double score = 0;
};

struct Pattern {
  std::string name;     ///< "imports", "entry point", "input", "output", "tools"
  std::string content;  ///< The lines, in the order in which the examples have them.
  int64_t support = 0;  ///< Examples that have all of them.
  int64_t examples = 0;
  double quality_score = 0;  ///< Mean of those examples.
  std::vector<std::string> example_ids;
};
WFE_RECORD(Pattern, name, content, support, examples, quality_score, example_ids);

/// Fewer examples have nothing in common that would mean anything.
inline constexpr int64_t kMinExamples = 5;
/// Of the examples, those that must have a line.
inline constexpr double kMinSupport = 0.6;

/// Pure.  Lines that at least kMinSupport of the examples have (blanks at their ends do not count, comments and lone
/// brackets are no structure), by the kind of line, as one pattern each.
std::vector<Pattern> ExtractPatterns(const std::vector<PatternExample>& examples);

}  // namespace wfe::learning
