#include "activities/optimizer/profile/catalog.h"

#include <algorithm>

namespace wfe::optimizer {

const ToolInfo* Catalog::Tool(std::string_view id) const {
  const auto found = std::ranges::find(tools, id, &ToolInfo::tool_id);
  return found == tools.end() ? nullptr : &*found;
}

const ModelTier* Catalog::Model(std::string_view model) const {
  auto found = std::ranges::find(models, model, &ModelTier::model);
  if (found == models.end()) found = std::ranges::find(models, model, &ModelTier::tier);
  return found == models.end() ? nullptr : &*found;
}

std::string_view CostTierOf(double usd) {
  if (usd <= 0) return "free";
  if (usd < 0.001) return "low";
  return usd < 0.05 ? "medium" : "high";
}

}  // namespace wfe::optimizer
