// The activities about the quota, and the call that registers them (QF-5, QF-7).
#pragma once

#include <memory>
#include <string>

#include "activities/quota/steps/quota_report.h"
#include "activities/quota/steps/run_gate.h"
#include "workers/sdk/activity.h"

namespace wfe::quota {

/// Forecasts that were made, in the records service: key is the time, ISO 8601.
inline constexpr std::string_view kQuotaForecastsTable = "quota_forecasts";

struct ForecastQuotaInput {
  std::string now;  ///< ISO 8601, of the workflow.
};
WFE_RECORD(ForecastQuotaInput, now);
constexpr RecordRules RulesOf(const ForecastQuotaInput*) { return {.whole = true}; }

struct PreflightQuotaInput {
  std::string workflow_type;
  std::string now;
};
WFE_RECORD(PreflightQuotaInput, workflow_type, now);
constexpr RecordRules RulesOf(const PreflightQuotaInput*) { return {.whole = true}; }

/// Makes the forecast and keeps it; the same time twice keeps the first.
inline constexpr sdk::ActivityType<ForecastQuotaInput, QuotaReport> kForecastQuota{"forecastQuota"};
/// Whether a workflow of this type may begin to spend tokens.
inline constexpr sdk::ActivityType<PreflightQuotaInput, PreflightDecision> kPreflightQuota{"preflightQuota"};

struct QuotaStepsConfig {
  std::shared_ptr<client::RecordsClient> records;
  QuotaRules rules;
  /// Told of what a workflow that asks by itself was answered; nullptr: nobody is.
  std::shared_ptr<RunGate> gate = nullptr;
};

/// The activities as functions.
Result<QuotaReport> ForecastQuota(const QuotaStepsConfig& config, const ForecastQuotaInput& input);
Result<PreflightDecision> PreflightQuota(const QuotaStepsConfig& config, const PreflightQuotaInput& input);

void RegisterQuotaActivities(sdk::ActivityRegistry& registry, QuotaStepsConfig config);

}  // namespace wfe::quota
