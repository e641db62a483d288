// What else there is: tools that can do the same, and models with their prices (RC-13, ST-14, ST-16).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::optimizer {

/// One row of the tool registry (RC-13).
struct ToolInfo {
  std::string tool_id;
  std::string name;
  std::vector<std::string> capabilities;
  std::string activity_type;  ///< That runs it; empty: that of the node.
  nlohmann::json input_schema;
  nlohmann::json output_schema;
  std::string cost_tier;  ///< free, low, medium or high.
  std::optional<double> avg_cost;      ///< Dollars of one call; so is duration in seconds.  Absent: not measured.
  std::optional<double> avg_duration;
  std::optional<double> success_rate;
  bool deterministic = false;
  bool supports_batch = false;
  std::string batch_kind;  ///< embedding, search or analysis: how many calls are worth a batch (ST-22).
  bool approximate = false;  ///< Its results may differ from those of others with the same capabilities: A/B on quality.
  std::string status = "active";  ///< Others are not offered.
};
WFE_RECORD(ToolInfo, tool_id, name, capabilities, activity_type, input_schema, output_schema, cost_tier, avg_cost,
           avg_duration, success_rate, deterministic, supports_batch, batch_kind, approximate, status);
constexpr RecordRules RulesOf(const ToolInfo*) {
  return {.refuses_unknown = true, .required = "tool_id", .seldom = "activity_type input_schema output_schema batch_kind"};
}

/// A class of models (ST-16).
struct ModelTier {
  std::string tier;   ///< small, medium or large: in this order, each can what the ones before it can.
  std::string model;  ///< What GraphNode::model says.
  double input_usd_per_mtok = 0;
  double output_usd_per_mtok = 0;
  double relative_time = 1;  ///< Of an answer, the large one's being 1.
};
WFE_RECORD(ModelTier, tier, model, input_usd_per_mtok, output_usd_per_mtok, relative_time);
constexpr RecordRules RulesOf(const ModelTier*) { return {.refuses_unknown = true, .required = "tier model"}; }

struct Catalog {
  std::vector<ToolInfo> tools;
  std::vector<ModelTier> models;  ///< From small to large.

  const ToolInfo* Tool(std::string_view id) const;
  const ModelTier* Model(std::string_view model) const;  ///< By name of the model or of the tier.
};
WFE_RECORD(Catalog, tools, models);
constexpr RecordRules RulesOf(const Catalog*) { return {.refuses_unknown = true, .subject = "catalog"}; }

/// Of one call that costs so many dollars: free, low (below 0.001), medium (below 0.05) or high.  The limits are ours.
std::string_view CostTierOf(double usd);

}  // namespace wfe::optimizer
