// QuotaForecastWorkflow (QF-7): one forecast of the month's quota, kept in the records.  A schedule starts it each day.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "activities/quota/steps/register.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kQuotaForecastWorkflow = "QuotaForecastWorkflow";

struct QuotaForecastResult {
  std::string sentence;  ///< The forecast for people.
  quota::QuotaReport report;
};
WFE_RECORD(QuotaForecastResult, sentence, report);

/// Takes no input: whatever comes is ignored.  It waits for the records service as long as it takes.
sdk::Task<QuotaForecastResult> MakeQuotaForecast(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterQuotaForecast(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
