#include "activities/optimizer/learning/learn_from_run.h"

namespace wfe::optimizer {
namespace {

double ReductionOf(double value, double baseline) { return baseline > 0 ? 1 - value / baseline : 0; }

}  // namespace

Result<AppendedExample> LearnFromRun(client::RecordsClient& records, const CompletedRun& run) {
  const delivery::ExecutionRecord& execution = run.execution;
  WFE_ASSIGN_OR_RETURN(const AppendedExample appended, AppendExample(records, ExampleOf(execution, run.features)));
  if (run.active) {
    const double seconds = static_cast<double>(execution.duration_ms) / 1000;
    const Reward reward{.strategy = run.active->strategy,
                        .reward = RewardOf(ReductionOf(seconds, run.active->baseline_duration_s),
                                           ReductionOf(execution.cost_usd, run.active->baseline_cost_usd),
                                           execution.success),
                        .at = FormatIso8601Millis(delivery::EndOf(execution))};
    WFE_ASSIGN_OR_RETURN([[maybe_unused]] const bool is_new,
                         SaveReward(records, run.active->context, execution.workflow_run_id, reward));
  }
  return appended;
}

}  // namespace wfe::optimizer
