#include "workflows/delivery/monitor_workflow.h"

#include <chrono>
#include <memory>

#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace delivery;
using sdk::Task;

constexpr int64_t kHistoryEvents = 4000;

constexpr sdk::RetryPolicy kWatching{.initial_interval = 1s, .maximum_interval = 1min};
constexpr sdk::ActivityOptions kScan{.start_to_close = 10min, .retry = kWatching};
/// Whoever is told of an event must not keep the watch from going on.
constexpr sdk::RetryPolicy kFewTimes{.initial_interval = 5s, .maximum_interval = 1min, .maximum_attempts = 5};
constexpr sdk::ActivityOptions kHookCall{.start_to_close = 2min, .retry = kFewTimes};

class MonitorRun {
 public:
  MonitorRun(sdk::WorkflowContext& ctx, MonitorInput input) : ctx_(ctx), input_(std::move(input)) {
    if (input_.progress) *progress_ = *input_.progress;
    ctx_.OnQuery<nlohmann::json, nlohmann::json>(
        kMonitorStatusQuery, progress_,
        [](const MonitorProgress& p, const nlohmann::json&) { return nlohmann::json(p); });
    ctx_.OnSignal<MonitorStop>(kMonitorStopSignal, [this](MonitorStop stop) { stop_ = std::move(stop); });
  }

  Task<MonitorResult> Go() {
    while (!stop_) {
      if (ctx_.info().suggest_continue_as_new || ctx_.info().history_length > kHistoryEvents) {
        input_.progress = *progress_;
        ctx_.ContinueAsNew(input_);
      }
      const Instant next = ctx_.Now() + std::chrono::seconds(input_.check_every_s);
      co_await Round();
      const Duration wait = next - ctx_.Now();
      if (wait <= Duration(0)) continue;
      const auto stopped = [this] { return stop_.has_value(); };
      std::ignore = co_await ctx_.WaitCondition(stopped, wait);
    }
    co_return MonitorResult{.reason = "stopped by " + stop_->author + ": " + stop_->reason, .progress = *progress_};
  }

 private:
  bool IsTimeToAssess() const {
    const auto last = ParseIso8601(progress_->last_assessed_at);
    return !last || ctx_.Now() - *last >= std::chrono::seconds(input_.watch_every_s) - 1s;
  }

  Task<void> Round() {
    const WatchWorkflowInput watch{.workflow_id = input_.workflow_id,
                                   .rules = input_.rules,
                                   .regression = input_.regression,
                                   .window_s = input_.window_s,
                                   .assess = IsTimeToAssess(),
                                   .auto_rollback = input_.auto_rollback,
                                   .now = FormatIso8601Millis(ctx_.Now())};
    const WatchWorkflowResult seen = co_await ctx_.Activity(kWatchWorkflow, watch, kScan);
    ++progress_->checks;
    progress_->last_check_at = watch.now;
    if (watch.assess) progress_->last_assessed_at = watch.now;
    progress_->last = seen;
    if (seen.roll_back_to) {
      const RollBackVersionInput back{.workflow_id = input_.workflow_id,
                                      .from = seen.version,
                                      .to = *seen.roll_back_to,
                                      .reason = seen.why,
                                      .now = FormatIso8601Millis(ctx_.Now())};
      const RollBackVersionResult rolled_back = co_await ctx_.Activity(kRollBackVersion, back, kScan);
      if (rolled_back.changed) ++progress_->rollbacks;
      if (rolled_back.event) {
        const MonitoringEvent event = *rolled_back.event;
        co_await Tell(event);
      }
    }
    for (const MonitoringEvent& event : seen.events) {
      if (event.state == kEventRaised) ++progress_->raised;
      const MonitoringEvent told = event;
      co_await Tell(told);
    }
  }

  Task<void> Tell(MonitoringEvent event) {
    try {
      co_await ctx_.Activity(kNotifyHook, event, kHookCall);
    } catch (const sdk::ActivityFailure& failure) {
      ++progress_->hook_failures;
      progress_->last_hook_failure = failure.message();
    }
  }

  sdk::WorkflowContext& ctx_;
  MonitorInput input_;
  std::shared_ptr<MonitorProgress> progress_ = std::make_shared<MonitorProgress>();
  std::optional<MonitorStop> stop_;
};

}  // namespace

void CheckRecord(const MonitorInput& input) {
  const auto seconds = [](int64_t value, const char* name) {
    RequireOfRecord(value >= 1 && value <= 7 * 24 * 3600, std::string(name) + " must be from 1 second to 7 days");
  };
  RequireOfRecord(!input.workflow_id.empty(), "workflow_id must not be empty");
  seconds(input.check_every_s, "check_every_s");
  seconds(input.watch_every_s, "watch_every_s");
  seconds(input.window_s, "window_s");
}

Task<MonitorResult> Monitor(sdk::WorkflowContext& ctx, nlohmann::json from) {
  MonitorInput input;
  try {
    input = from.get<MonitorInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of MonitorWorkflow is not valid: ") + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
  MonitorRun run(ctx, std::move(input));
  Task<MonitorResult> go = run.Go();
  MonitorResult result = co_await go;
  co_return result;
}

void RegisterMonitor(sdk::WorkflowRegistry& registry) { registry.Register(std::string(kMonitorWorkflow), &Monitor); }

}  // namespace wfe::workflows
