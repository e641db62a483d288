// The sums of `wfe costs` as JSON; what is served over HTTP says the same (RP-12).
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "activities/agent/cost/cost_summary.h"

namespace wfe::cli {

inline nlohmann::json CostRow(const agent::CostReport::Group& group) {
  nlohmann::json row = group;
  if (const auto mean = agent::MeanCost(group)) row["mean_cost_usd"] = *mean;
  return row;
}

/// `by`: as CostReport::Sum.
inline nlohmann::ordered_json CostSumsJson(const agent::CostReport& report, const agent::CostReport::Filter& filter,
                                           const std::string& by, Instant now) {
  const agent::CostReport::Sums sums = report.Sum(filter, by, now);
  const agent::CostSummary summary = agent::Summarize(report, filter, now);
  nlohmann::ordered_json result = {{"by", by}, {"groups", nlohmann::ordered_json::array()}};
  for (const agent::CostReport::Group& group : sums.groups) result["groups"].push_back(nlohmann::ordered_json(CostRow(group)));
  result["today"] = CostRow(summary.today);
  result["month"] = CostRow(summary.month);
  result["total"] = CostRow(sums.total);
  return result;
}

}  // namespace wfe::cli
