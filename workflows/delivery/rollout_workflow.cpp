#include "workflows/delivery/rollout_workflow.h"

#include <chrono>
#include <deque>
#include <memory>

#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace delivery;
using sdk::Task;

constexpr size_t kMaxAnswers = 20;
/// A stage of a day with a check every five minutes has some 2,000 events.
constexpr int64_t kRolloutHistoryEvents = 4000;

/// Traffic that is divided must not be left alone: there is no last attempt.
constexpr sdk::RetryPolicy kWhileDivided{.initial_interval = 1s, .maximum_interval = 1min};
/// An attempt whose worker was killed is repeated after this time, and until then nobody watches the traffic.
constexpr sdk::ActivityOptions kShort{.start_to_close = 1min, .retry = kWhileDivided};
/// A scan of the rollout's runs is behind it.
constexpr sdk::ActivityOptions kScanRollout{.start_to_close = 3min, .retry = kWhileDivided};

class RolloutRun {
 public:
  RolloutRun(sdk::WorkflowContext& ctx, RolloutInput input) : ctx_(ctx), input_(std::move(input)) {
    if (input_.progress) *progress_ = *input_.progress;
    ctx_.OnQuery<nlohmann::json, nlohmann::json>(
        kRolloutStatusQuery, progress_,
        [](const RolloutProgress& p, const nlohmann::json&) { return nlohmann::json(p); });
    ctx_.OnSignal<RolloutControl>(kRolloutControlSignal,
                                  [this](RolloutControl control) { controls_.push_back(std::move(control)); });
  }

  Task<RolloutResult> Go() {
    bool cancelled = false;
    try {
      if (!input_.progress) co_await Begin();
      while (!state().ended()) co_await Step();
    } catch (const sdk::CancelledFailure&) {
      cancelled = true;
    }
    if (cancelled && !state().phase.empty() && !state().ended()) {
      sdk::ShieldScope shield(ctx_);
      const std::string why = "the workflow was cancelled";
      co_await GiveBack(why);
    }
    if (cancelled) throw sdk::CancelledFailure();
    co_return Conclude();
  }

 private:
  RolloutState& state() { return progress_->state; }
  const RolloutHeader& header() const { return progress_->header; }
  const RolloutPlan& plan() const { return progress_->header.plan; }

  Task<void> Begin() {
    const std::string run = ctx_.info().first_run_id.substr(0, 8);
    BeginRolloutInput begin{.rollout_id = input_.rollout_id,
                            .workflow_id = input_.workflow_id,
                            .version = input_.version,
                            .plan = input_.plan,
                            .author = input_.author,
                            .reason = input_.reason,
                            .now = FormatIso8601Millis(ctx_.Now())};
    if (begin.rollout_id.empty()) begin.rollout_id = input_.workflow_id + "-" + input_.version + "-" + run;
    const BeginRolloutResult begun = co_await ctx_.Activity(kBeginRollout, begin, kShort);
    if (!begun.refused.empty()) throw sdk::WorkflowFailure(begun.refused, "ROLLOUT_REFUSED", true);
    progress_->header = begun.header;
    const RolloutEvents events = BeginRollout(plan(), input_.author, input_.reason, ctx_.Now());
    co_await CarryOut(events);
  }

  /// One thing that somebody asked for, or one look at the traffic.
  Task<void> Step() {
    if (!controls_.empty()) {
      co_await Answer();
      co_return;
    }
    if (ctx_.info().suggest_continue_as_new || ctx_.info().history_length > kRolloutHistoryEvents) ContinueAsNew();
    if (!next_look_) next_look_ = NextLook(plan(), state(), ctx_.Now());
    progress_->next_look_at = FormatIso8601Millis(*next_look_);
    const Duration wait = *next_look_ - ctx_.Now();
    if (wait > Duration(0)) {
      const auto asked = [this] { return !controls_.empty(); };
      if (co_await ctx_.WaitCondition(asked, wait)) co_return;
    }
    co_await Look();
  }

  Task<void> Look() {
    next_look_.reset();
    const CheckRegressionInput check{.rollout_id = header().rollout_id,
                                     .workflow_id = header().workflow_id,
                                     .version = header().version,
                                     .control = header().control,
                                     .regression = plan().regression,
                                     .harm_alpha = plan().harm_alpha,
                                     .stages = static_cast<int64_t>(plan().stages.size()),
                                     .now = FormatIso8601Millis(ctx_.Now())};
    const CheckRegressionResult seen = co_await ctx_.Activity(kCheckRegression, check, kScanRollout);
    progress_->last_check = seen;
    const Observed observed{.samples = seen.samples, .check = seen.check, .overtaken = seen.overtaken};
    const RolloutEvents events = DecideObserved(plan(), state(), observed, ctx_.Now());
    co_await CarryOut(events);
  }

  Task<void> Answer() {
    const RolloutControl control = controls_.front();
    controls_.pop_front();
    RolloutAnswer answer{.request_id = control.request_id, .action = control.action, .refused = ""};
    const Result<RolloutEvents> decided = DecideControl(plan(), state(), control, ctx_.Now());
    if (decided) {
      const RolloutEvents events = *decided;
      co_await CarryOut(events);
      next_look_.reset();
    } else {
      answer.refused = decided.error().message;
    }
    std::vector<RolloutAnswer>& answers = progress_->answers;
    if (answers.size() == kMaxAnswers) answers.erase(answers.begin());
    answers.push_back(answer);
  }

  /// The traffic follows first, then the state: nobody is told of a stage that is not yet.
  Task<void> CarryOut(RolloutEvents events) {
    if (events.empty()) co_return;
    sdk::ShieldScope shield(ctx_);  // a step that was begun ends, or a cancel could be overtaken by it
    const SetTrafficSplitInput carry{.rollout_id = header().rollout_id,
                                     .workflow_id = header().workflow_id,
                                     .version = header().version,
                                     .control = header().control,
                                     .first = state().events + 1,
                                     .events = events,
                                     .regression = plan().regression};
    const SetTrafficSplitResult carried = co_await ctx_.Activity(kSetTrafficSplit, carry, kScanRollout);
    for (size_t i = 0; i < events.size() && i < static_cast<size_t>(carried.carried_out); ++i) {
      Apply(state(), events[i]);
    }
    next_look_.reset();
    if (!carried.overtaken.empty()) co_await GiveBack(carried.overtaken);
  }

  Task<void> GiveBack(std::string why) {
    Observed observed;
    observed.overtaken = std::move(why);
    const RolloutEvents events = DecideObserved(plan(), state(), observed, ctx_.Now());
    co_await CarryOut(events);
  }

  void ContinueAsNew() {
    input_.progress = *progress_;
    ctx_.ContinueAsNew(input_);
  }

  RolloutResult Conclude() {
    const RolloutState& end = state();
    return {.success = end.phase == kRolloutSucceeded,
            .completed_stage = static_cast<int64_t>(end.completed.size()),
            .phase = end.phase,
            .stage = end.stage,
            .rollout_id = header().rollout_id,
            .version_id = VersionId(header().workflow_id, header().version),
            .control_version_id = VersionId(header().workflow_id, header().control),
            .reason = end.reason,
            .regression = end.regression};
  }

  sdk::WorkflowContext& ctx_;
  RolloutInput input_;
  std::shared_ptr<RolloutProgress> progress_ = std::make_shared<RolloutProgress>();
  std::deque<RolloutControl> controls_;
  std::optional<Instant> next_look_;
};

}  // namespace

void CheckRecord(const RolloutInput& input) {
  RequireOfRecord(!input.workflow_id.empty(), "workflow_id must not be empty");
  RequireOfRecord(!input.author.empty() && !input.reason.empty(), "author and reason must not be empty");
  RequireOfRecord(ParseVersion(input.workflow_id, input.version).has_value(),
                  "version \"" + input.version + "\" is none of " + input.workflow_id + "; versions are named " +
                      input.workflow_id + "_v0, v0 or 0");
}

Task<RolloutResult> Rollout(sdk::WorkflowContext& ctx, nlohmann::json from) {
  RolloutInput input;
  try {
    input = from.get<RolloutInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of RolloutWorkflow is not valid: ") + JsonErrorText(e),
                               "INVALID_INPUT", true);
  }
  RolloutRun run(ctx, std::move(input));
  Task<RolloutResult> go = run.Go();
  RolloutResult result = co_await go;
  co_return result;
}

void RegisterRollout(sdk::WorkflowRegistry& registry) { registry.Register(std::string(kRolloutWorkflow), &Rollout); }

}  // namespace wfe::workflows
