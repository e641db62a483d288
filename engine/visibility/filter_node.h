// A parsed list filter.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/visibility/list_filter.h"

namespace wfe::visibility {

enum class Attribute {
  kWorkflowId,
  kRunId,
  kWorkflowType,
  kTaskQueue,
  kExecutionStatus,
  kStartTime,
  kCloseTime,
  kParentWorkflowId,  ///< Null of a run that is no child.
  kParentRunId,
  kRootWorkflowId,  ///< Of a run that is no child: its own.
  kRootRunId,
};

enum class Comparison {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,
  kBetween,
  kStartsWith,
  kIsNull
};

/// A text, or a number: nanoseconds of a time, the value of a status.
struct FilterValue {
  std::string text;
  int64_t number = 0;
  friend auto operator<=>(const FilterValue&, const FilterValue&) = default;
};

struct ListFilter::Node {
  enum class Kind { kAnd, kOr, kNot, kCompare };
  Kind kind = Kind::kCompare;
  std::vector<std::shared_ptr<const Node>> children;  // two or more; one of a kNot; none of a kCompare
  // Of a kCompare:
  Attribute attribute{};
  Comparison comparison{};
  std::vector<FilterValue> values;
};

}  // namespace wfe::visibility
