#include "workflows/quota/forecast_workflow.h"

#include <chrono>

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;

constexpr sdk::RetryPolicy kUntilItAnswers{.initial_interval = 1s, .maximum_interval = 1min};
constexpr sdk::ActivityOptions kReadLedger{.start_to_close = 10min, .retry = kUntilItAnswers};

}  // namespace

sdk::Task<QuotaForecastResult> MakeQuotaForecast(sdk::WorkflowContext& ctx, nlohmann::json) {
  const quota::ForecastQuotaInput ask{.now = FormatIso8601Millis(ctx.Now())};
  quota::QuotaReport report = co_await ctx.Activity(quota::kForecastQuota, ask, kReadLedger);
  QuotaForecastResult result{.sentence = quota::SentenceOf(report.forecast), .report = std::move(report)};
  co_return result;
}

void RegisterQuotaForecast(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kQuotaForecastWorkflow), &MakeQuotaForecast);
}

}  // namespace wfe::workflows
