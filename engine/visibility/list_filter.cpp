// Evaluates a parsed filter.
#include "engine/visibility/list_filter.h"

#include <algorithm>
#include <optional>

#include "engine/base/proto_time.h"
#include "engine/visibility/filter_node.h"

namespace wfe::visibility {

namespace {

int64_t Nanoseconds(const google::protobuf::Timestamp& timestamp) {
  return FromProto(timestamp).time_since_epoch().count();
}

std::optional<FilterValue> ValueOf(const engine::v1::VisibilityRecord& record, Attribute attribute) {
  switch (attribute) {
    case Attribute::kWorkflowId:
      return FilterValue{record.workflow_id(), 0};
    case Attribute::kRunId:
      return FilterValue{record.run_id(), 0};
    case Attribute::kWorkflowType:
      return FilterValue{record.workflow_type(), 0};
    case Attribute::kTaskQueue:
      return FilterValue{record.task_queue(), 0};
    case Attribute::kExecutionStatus:
      return FilterValue{"", record.status()};
    case Attribute::kStartTime:
      return FilterValue{"", Nanoseconds(record.start_time())};
    case Attribute::kCloseTime:
      if (!record.has_close_time()) return std::nullopt;
      return FilterValue{"", Nanoseconds(record.close_time())};
    case Attribute::kParentWorkflowId:
      if (!record.has_parent()) return std::nullopt;
      return FilterValue{record.parent().workflow_id(), 0};
    case Attribute::kParentRunId:
      if (!record.has_parent()) return std::nullopt;
      return FilterValue{record.parent().run_id(), 0};
    case Attribute::kRootWorkflowId:
      return FilterValue{record.has_root() ? record.root().workflow_id() : record.workflow_id(), 0};
    case Attribute::kRootRunId:
      return FilterValue{record.has_root() ? record.root().run_id() : record.run_id(), 0};
  }
  WFE_CHECK(false, "unknown attribute");
}

bool Compare(const FilterValue& value, const ListFilter::Node& node) {
  const auto& values = node.values;
  switch (node.comparison) {
    case Comparison::kEqual:
      return value == values[0];
    case Comparison::kNotEqual:
      return value != values[0];
    case Comparison::kLess:
      return value < values[0];
    case Comparison::kLessOrEqual:
      return value <= values[0];
    case Comparison::kGreater:
      return value > values[0];
    case Comparison::kGreaterOrEqual:
      return value >= values[0];
    case Comparison::kIn:
      return std::find(values.begin(), values.end(), value) != values.end();
    case Comparison::kBetween:
      return values[0] <= value && value <= values[1];
    case Comparison::kStartsWith:
      return value.text.starts_with(values[0].text);
    case Comparison::kIsNull:
      return false;
  }
  WFE_CHECK(false, "unknown comparison");
}

/// nullopt: unknown, as in SQL.
std::optional<bool> Evaluate(const ListFilter::Node& node, const engine::v1::VisibilityRecord& record) {
  using NodeKind = ListFilter::Node::Kind;
  if (node.kind == NodeKind::kCompare) {
    const auto value = ValueOf(record, node.attribute);
    if (node.comparison == Comparison::kIsNull) return !value.has_value();
    if (!value.has_value()) return std::nullopt;
    return Compare(*value, node);
  }
  if (node.kind == NodeKind::kNot) {
    const auto inner = Evaluate(*node.children[0], record);
    return inner.has_value() ? std::optional(!*inner) : std::nullopt;
  }
  const bool decisive = node.kind == NodeKind::kOr;  // one such child decides
  bool unknown = false;
  for (const auto& child : node.children) {
    const auto result = Evaluate(*child, record);
    if (result == decisive) return decisive;
    if (!result.has_value()) unknown = true;
  }
  return unknown ? std::nullopt : std::optional(!decisive);
}

}  // namespace

bool ListFilter::Matches(const engine::v1::VisibilityRecord& record) const {
  return root_ == nullptr || Evaluate(*root_, record) == true;
}

}  // namespace wfe::visibility
