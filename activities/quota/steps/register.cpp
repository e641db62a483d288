#include "activities/quota/steps/register.h"

#include "engine/base/read_time.h"

namespace wfe::quota {

Result<QuotaReport> ForecastQuota(const QuotaStepsConfig& config, const ForecastQuotaInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  WFE_ASSIGN_OR_RETURN(QuotaReport report, ReadQuotaReport(*config.records, config.rules, now));
  // An attempt before this one may have written it; the ledger may have grown since.
  WFE_RETURN_IF_ERROR(config.records->AppendRow(std::string(kQuotaForecastsTable), report.forecast.as_of,
                                                nlohmann::json(report).dump()));
  return report;
}

Result<PreflightDecision> PreflightQuota(const QuotaStepsConfig& config, const PreflightQuotaInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  WFE_ASSIGN_OR_RETURN(const QuotaReport report, ReadQuotaReport(*config.records, config.rules, now));
  return DecidePreflight(FactsOf(report, input.workflow_type), config.rules.preflight, now);
}

void RegisterQuotaActivities(sdk::ActivityRegistry& registry, QuotaStepsConfig config) {
  const auto shared = std::make_shared<const QuotaStepsConfig>(std::move(config));
  const auto serve = [&]<class Input, class Output>(sdk::ActivityType<Input, Output> type,
                                                    Result<Output> (*function)(const QuotaStepsConfig&, const Input&)) {
    registry.Register(type, [shared, function](sdk::ActivityContext&, const Input& input) {
      Result<Output> result = function(*shared, input);
      if (result) return sdk::ActivityResult<Output>(*std::move(result));
      return sdk::ActivityResult<Output>(std::move(result).error());
    });
  };
  serve(kForecastQuota, &ForecastQuota);
  registry.Register(kPreflightQuota, [shared](sdk::ActivityContext& context, const PreflightQuotaInput& input) {
    Result<PreflightDecision> made = PreflightQuota(*shared, input);
    if (!made) return sdk::ActivityResult<PreflightDecision>(std::move(made).error());
    if (shared->gate) {
      const client::BudgetedCall asker{.call_id = {},
                                       .workflow_id = context.info().workflow_id,
                                       .run_id = context.info().run_id,
                                       .workflow_type = input.workflow_type,
                                       .model = {}};
      // Where it cannot be kept, the run is asked again at its first call.
      (void)shared->gate->Note(asker, *made);
    }
    return sdk::ActivityResult<PreflightDecision>(*std::move(made));
  });
}

}  // namespace wfe::quota
