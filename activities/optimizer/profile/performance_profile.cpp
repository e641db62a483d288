#include "activities/optimizer/profile/performance_profile.h"

#include <algorithm>

namespace wfe::optimizer {

const NodePerformanceProfile* PerformanceProfile::Node(std::string_view id) const {
  const auto found = std::ranges::find(node_metrics, id, &NodePerformanceProfile::node_id);
  return found == node_metrics.end() ? nullptr : &*found;
}

const ToolPerformanceProfile* PerformanceProfile::Tool(std::string_view id) const {
  const auto found = std::ranges::find(tool_metrics, id, &ToolPerformanceProfile::tool_id);
  return found == tool_metrics.end() ? nullptr : &*found;
}

}  // namespace wfe::optimizer
