#include <map>
#include <optional>
#include <utility>

#include "engine/base/id_source.h"
#include "tools/demo/run_builds.h"
#include "workers/sdk/workflow_instance.h"
#include "workers/sdk/workflow_registry.h"
#include "workflows/audited_build/audited_build.h"

namespace wfe::demo {
namespace {

using nlohmann::json;

/// The time of the build that runs.
class BuildClock final : public Clock {
 public:
  Instant Now() const override { return now; }
  Instant now;
};

/// Answers what an activity asks; nothing here is ever cancelled from outside.
class PlainActivityContext final : public sdk::ActivityContext {
 public:
  explicit PlainActivityContext(sdk::ActivityInfo info) : info_(std::move(info)) {}
  const sdk::ActivityInfo& info() const override { return info_; }
  void Heartbeat(const json&) override {}
  std::optional<json> LastHeartbeatDetails() const override { return std::nullopt; }
  bool IsCancelled() const override { return false; }
  bool WaitForCancel(Duration) override { return false; }

 private:
  const sdk::ActivityInfo info_;
};

/// One build by itself: what it schedules is done at once, and its clock moves by the time that takes.
class DirectBuild final : public sdk::WorkflowRuntime {
 public:
  DirectBuild(const BuildPlan& plan, std::string run_id, const sdk::ActivityRegistry& activities, BuildClock& clock)
      : plan_(plan), activities_(activities), clock_(clock) {
    info_.ns = "default";
    info_.workflow_id = plan.workflow_id;
    info_.run_id = std::move(run_id);
    info_.first_run_id = info_.run_id;
    info_.workflow_type = workflows::kAuditedBuildWorkflow;
    info_.task_queue = kQueue;
    info_.started_time = plan.start;
  }

  Status Run(const sdk::WorkflowFunction& function) {
    clock_.now = plan_.start;
    sdk::WorkflowInstance instance(function, *this);
    instance.Start(InputOf(plan_));
    instance.Run();
    while (!instance.outcome() && !instance.poison()) {
      if (scheduled_.empty()) return Internal("the simulated build " + plan_.workflow_id + " waits for nothing");
      Step(instance);
      instance.Run();
    }
    if (instance.poison()) return Internal(plan_.workflow_id + ": " + instance.poison()->message);
    const auto& outcome = *instance.outcome();
    const bool ended_well = std::holds_alternative<sdk::WorkflowCompleted>(outcome) ||
                            std::holds_alternative<sdk::CancelledFailure>(outcome) ||
                            std::holds_alternative<sdk::WorkflowCancelled>(outcome);
    return ended_well ? Ok() : Internal("the simulated build " + plan_.workflow_id + " failed");
  }

  const sdk::WorkflowInfo& info() const override { return info_; }
  Instant Now() const override { return clock_.now; }
  bool IsReplaying() const override { return false; }
  uint64_t RandomSeed() const override { return 1; }
  void ScheduleActivity(sdk::ActivityCommand command) override { scheduled_.push_back(std::move(command)); }
  void CancelActivity(uint64_t) override {}
  void StartTimer(uint64_t, Duration) override {}
  void CancelTimer(uint64_t) override {}
  std::optional<json> RecordedSideEffect(uint64_t) override { return std::nullopt; }
  void RecordSideEffect(uint64_t, const json&) override {}
  bool Patched(std::string_view, bool) override { return true; }
  void UpsertMemo(const json&) override {}
  void Log(sdk::LogLevel, std::string_view) override {}

 private:
  /// Runs the oldest scheduled activity and tells the workflow.
  void Step(sdk::WorkflowInstance& instance) {
    const sdk::ActivityCommand command = std::move(scheduled_.front());
    scheduled_.erase(scheduled_.begin());
    sdk::ActivityInfo info;
    info.workflow_id = info_.workflow_id;
    info.run_id = info_.run_id;
    info.workflow_type = info_.workflow_type;
    info.activity_id = command.activity_id.empty() ? std::to_string(command.seq) : command.activity_id;
    info.activity_type = command.activity_type;
    PlainActivityContext context(info);
    const sdk::ActivityFunction* function = activities_.Find(command.activity_type);
    sdk::ActivityResult<json> result =
        function != nullptr ? (*function)(context, command.input)
                            : sdk::ActivityResult<json>(sdk::ApplicationFailure{.message = "no such activity",
                                                                                .type = "NOT_FOUND",
                                                                                .non_retryable = true,
                                                                                .next_retry_delay = std::nullopt,
                                                                                .details = nullptr});
    const Instant ends = clock_.now + ClaimedDuration(result);
    const Instant cancel = plan_.start + plan_.cancel_after.value_or(Duration::zero());
    if (plan_.cancel_after && !cancelled_ && ends >= cancel) {
      // The person comes in the middle of it.  An activity learns of that by its next heartbeat; one that ends before
      // has done its work.
      cancelled_ = true;
      const Instant begun = clock_.now;
      clock_.now = std::max(clock_.now, cancel);
      instance.CancelRequested("");
      if (ends > begun + ((clock_.now - begun) / kBeat + 1) * kBeat) {
        instance.ActivityResolved(command.seq, sdk::CancelledFailure());
        return;
      }
    }
    clock_.now = ends;
    if (result.has_value()) {
      instance.ActivityResolved(command.seq, sdk::ActivityCompleted{std::move(result.value())});
      return;
    }
    const sdk::ApplicationFailure& failure = *result.failure();
    sdk::ActivityFailure::Data data;
    data.activity_id = info.activity_id;
    data.activity_type = info.activity_type;
    data.cause.message = failure.message;
    data.cause.type = failure.type;
    data.cause.non_retryable = failure.non_retryable;
    data.cause.details = failure.details;
    instance.ActivityResolved(command.seq, sdk::ActivityFailure(std::move(data)));
  }

  const BuildPlan& plan_;
  const sdk::ActivityRegistry& activities_;
  BuildClock& clock_;
  sdk::WorkflowInfo info_;
  std::vector<sdk::ActivityCommand> scheduled_;
  bool cancelled_ = false;
};

}  // namespace

Result<BuildTraces> RunWithoutEngine(const Behaviour& behaviour, const Progress& progress) {
  BuildClock clock;
  SimulatedWorld world(behaviour, clock, kHostQueue);
  sdk::ActivityRegistry activities;
  world.Register(activities);
  sdk::WorkflowRegistry workflows;
  workflows::RegisterAuditedBuild(workflows);
  SeededIdSource ids(behaviour.seed());
  int done = 0;
  for (const BuildPlan& plan : behaviour.plans()) {
    DirectBuild build(plan, ids.NewUuid(), activities, clock);
    WFE_RETURN_IF_ERROR(build.Run(*workflows.Find(std::string(workflows::kAuditedBuildWorkflow))));
    if (progress) progress(++done);
  }
  return world.TakeTraces();
}

}  // namespace wfe::demo
