#include "workflows/optimizer/session_run.h"

#include <algorithm>
#include <chrono>

#include "workflows/delivery/monitor_workflow.h"
#include "workflows/delivery/rollout_workflow.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace optimizer;
using nlohmann::json;
using sdk::Task;

constexpr size_t kMaxSessionAnswers = 20;
constexpr int64_t kSessionHistoryEvents = 4000;
/// A session may be days old: it waits for the records service as long as it takes.
constexpr sdk::RetryPolicy kPatiently{.initial_interval = 1s, .maximum_interval = 1min};
constexpr sdk::ActivityOptions kQuickStep{.start_to_close = 1min, .retry = kPatiently};
constexpr sdk::ActivityOptions kLongStep{.start_to_close = 10min, .retry = kPatiently};
/// What a graph or a profile cannot be made of is not better the tenth time.
constexpr sdk::RetryPolicy kAFewTimes{.initial_interval = 5s, .maximum_interval = 1min, .maximum_attempts = 3};

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

SessionRun::SessionRun(sdk::WorkflowContext& ctx, SessionInput input) : ctx_(ctx), input_(std::move(input)) {
  if (input_.progress) *progress_ = *input_.progress;
  ctx_.OnQuery<json, json>(kSessionStatusQuery, progress_,
                           [](const SessionProgress& p, const json&) { return json(p); });
  ctx_.OnSignal<SessionDecision>(kSessionDecisionSignal,
                                 [this](SessionDecision decision) { decisions_.push_back(std::move(decision)); });
}

std::string SessionRun::Time() const { return FormatIso8601Millis(ctx_.Now()); }

Task<SessionResult> SessionRun::Go() {
  std::string outcome;
  std::string why;
  try {
    if (!input_.progress) {
      co_await Begin();
      co_await Profile();
      co_await Suggest();
      co_await Search();
      co_await Validate();
      co_await Decide();
      co_await MakeVersion();
    }
    if (options().deploy == kAbTest || NeedsExperiment()) co_await Test();
    if (options().deploy == kImmediate) {
      co_await Activate();
    } else {
      co_await RollOut();
    }
    co_await Watch();
    outcome = kOutcomeDeployed;
    why = state().new_version_id + " is in service";
  } catch (const Over& over) {
    outcome = over.outcome;
    why = over.why;
  } catch (const sdk::CancelledFailure&) {
    outcome = kOutcomeStopped;
    why = "the session was cancelled";
  }
  co_await End(outcome, why);
  co_return SessionResult{.session_id = header().session_id,
                          .outcome = outcome,
                          .why = why,
                          .version_id = state().version_id,
                          .new_version_id = state().new_version_id,
                          .candidates = static_cast<int64_t>(state().candidates.size()),
                          .approved = static_cast<int64_t>(Approved().size())};
}

Task<void> SessionRun::Begin() {
  BeginSessionInput begin;
  begin.header = {.session_id = input_.session_id,
                  .workflow_id = input_.workflow_id,
                  .options = input_.options,
                  .author = input_.author,
                  .reason = input_.reason,
                  .started_at = Time()};
  if (begin.header.session_id.empty()) {
    begin.header.session_id = input_.workflow_id + "-" + ctx_.info().first_run_id.substr(0, 8);
  }
  const BeginSessionResult begun = co_await ctx_.Activity(kBeginSession, begin, kQuickStep);
  if (!begun.refused.empty()) throw sdk::WorkflowFailure(begun.refused, "SESSION_REFUSED", true);
  progress_->header = begun.header;
}

Task<void> SessionRun::Profile() {
  const BuildProfileInput build{.workflow_id = header().workflow_id,
                                .executions = options().executions,
                                .rules = options().rules,
                                .catalog = options().catalog,
                                .now = Time()};
  const BuildProfileResult built = co_await ctx_.Activity(kBuildProfile, build, kLongStep);
  if (!built.cannot.empty()) throw Over{kOutcomeCannot, built.cannot};
  progress_->window = built.window;
  const std::string sentence = std::to_string(built.profile.executions) + " executions of " + built.window.version_id +
                               ", " + std::to_string(built.profile.bottlenecks.size()) + " bottlenecks";
  const json data = {{"profile", built.profile}, {"window", built.window}};
  co_await Tell(kProfiled, sentence, data);
}

Task<void> SessionRun::Suggest() {
  const GenerateSuggestionsInput ask{.window = progress_->window,
                                     .rules = options().rules,
                                     .catalog = options().catalog,
                                     .top = options().top,
                                     .learning = options().enable_learning,
                                     .now = Time()};
  const Suggestions suggestions = co_await ctx_.Activity(kGenerateSuggestions, ask, kLongStep);
  const std::string sentence = std::to_string(suggestions.made.size()) + " suggestions, " +
                               std::to_string(suggestions.refused.size()) + " refused";
  const json data = suggestions;
  co_await Tell(kSuggested, sentence, data);
  if (suggestions.made.empty()) throw Over{kOutcomeNothing, "no strategy has found anything to propose"};
}

Task<void> SessionRun::Search() {
  if (options().search_algorithm == "none") co_return;
  const SearchVariantInput ask{.window = progress_->window,
                               .catalog = options().catalog,
                               .algorithm = options().search_algorithm,
                               .seconds = options().search_seconds,
                               .duration_weight = options().duration_weight,
                               .cost_weight = options().cost_weight,
                               .quality_weight = options().quality_weight,
                               .seed = options().seed};
  const auto limit = std::chrono::seconds(static_cast<int64_t>(options().search_seconds)) + 2min;
  const sdk::ActivityOptions search{.start_to_close = limit, .heartbeat = 30s, .retry = kAFewTimes};
  const SearchVariantResult found = co_await ctx_.Activity(kSearchVariant, ask, search);
  json data = {{"result", found.result}};
  if (found.combined) data["combined"] = *found.combined;
  std::string sentence = options().search_algorithm + (found.combined ? ": " + found.combined->description
                                                                      : std::string(" found nothing better"));
  co_await Tell(kSearched, sentence, data);
}

Task<void> SessionRun::Validate() {
  trials_.emplace(ctx_, TrialPlan{.window = progress_->window,
                                  .trials = options().trials,
                                  .catalog = options().catalog,
                                  .equivalence = options().equivalence,
                                  .constraints = options().constraints});
  for (size_t i = 0; i < state().candidates.size(); ++i) {
    const OptimizationSuggestion suggestion = state().candidates[i].suggestion;
    TriedVariant tried = co_await trials_->Try(suggestion.changes);
    json data = {{"suggestion_id", suggestion.suggestion_id}};
    std::string sentence;
    if (tried.validation) {
      data["validation"] = *tried.validation;
      sentence = tried.validation->recommendation + ": " + tried.validation->reason;
    } else {
      data["why_not_tried"] = tried.why_not;
      sentence = "not tried: " + tried.why_not;
    }
    co_await Tell(kValidated, sentence, data);
  }
}

bool SessionRun::NeedsExperiment() const {
  return std::ranges::any_of(state().candidates, [](const SessionCandidate& candidate) {
    return candidate.decision == "approved" && candidate.suggestion.needs == kAfterExperiment;
  });
}

std::vector<std::string> SessionRun::Undecided() const {
  std::vector<std::string> ids;
  for (const SessionCandidate& candidate : state().candidates) {
    const bool rejected = candidate.validation && candidate.validation->recommendation == delivery::kReject;
    if (candidate.decision.empty() && !rejected) ids.push_back(candidate.suggestion.suggestion_id);
  }
  return ids;
}

std::vector<std::string> SessionRun::Approved() const {
  std::vector<std::string> ids;
  for (const SessionCandidate& candidate : state().candidates) {
    if (candidate.decision == "approved") ids.push_back(candidate.suggestion.suggestion_id);
  }
  return ids;
}

std::vector<std::string> SessionRun::ReadyWithoutAsking() const {
  std::vector<std::string> ids;
  for (const SessionCandidate& candidate : state().candidates) {
    const bool good = candidate.validation && candidate.validation->recommendation == delivery::kApprove;
    if (good && candidate.suggestion.needs == kAfterValidation) ids.push_back(candidate.suggestion.suggestion_id);
  }
  return ids;
}

std::vector<GraphChange> SessionRun::ChangesOf(const std::vector<std::string>& ids) const {
  std::vector<GraphChange> changes;
  for (const SessionCandidate& candidate : state().candidates) {
    if (std::ranges::find(ids, candidate.suggestion.suggestion_id) == ids.end()) continue;
    for (const GraphChange& change : candidate.suggestion.changes) {
      if (std::ranges::find(changes, change) == changes.end()) changes.push_back(change);
    }
  }
  return changes;
}

Task<void> SessionRun::Decide() {
  if (Undecided().empty()) throw Over{kOutcomeNothing, "validation has rejected every suggestion"};
  if (options().auto_apply) {
    const std::vector<std::string> ready = ReadyWithoutAsking();
    // One alone, the best: together they would need a validation of their own.
    if (!ready.empty()) {
      const json data = {{"suggestions", json::array({ready.front()})}};
      const std::string why = "auto_apply, and its validation approves of it";
      co_await Tell(kApproved, why, data);
      co_return;
    }
  }
  const std::string sentence = std::to_string(Undecided().size()) + " suggestions wait for a decision";
  const json data = {{"suggestions", Undecided()}};
  co_await Tell(kPresented, sentence, data);
  const Instant until = ctx_.Now() + std::chrono::duration_cast<Duration>(
                                         std::chrono::duration<double, std::ratio<3600>>(options().approval_hours));
  while (Approved().empty()) {
    const auto asked = [this] { return !decisions_.empty(); };
    if (options().approval_hours > 0) {
      const Duration left = until - ctx_.Now();
      const bool in_time = left > Duration(0) && co_await ctx_.WaitCondition(asked, left);
      if (!in_time) throw Over{kOutcomeNotDecided, "nobody has decided in the time that was set"};
    } else {
      co_await ctx_.WaitCondition(asked);
    }
    const SessionDecision decision = decisions_.front();
    decisions_.pop_front();
    co_await TakeDecision(decision);
    if (Approved().empty() && Undecided().empty()) throw Over{kOutcomeRejected, decision.reason};
  }
}

Task<void> SessionRun::TakeDecision(SessionDecision decision) {
  SessionAnswer answer{.request_id = decision.request_id, .refused = ""};
  const std::vector<std::string> open = Undecided();
  for (const std::string& id : decision.suggestions) {
    if (std::ranges::find(open, id) == open.end() && answer.refused.empty()) {
      answer.refused = "\"" + id + "\" is no suggestion that waits for a decision; there are: " + Joined(open);
    }
  }
  if (answer.refused.empty() && decision.action == "approve") {
    answer.refused = co_await WhyNotTogether(decision.suggestions);
  }
  if (answer.refused.empty()) {
    json data = {{"suggestions", decision.suggestions}};
    if (decision.rating) data["rating"] = *decision.rating;
    const std::string_view kind = decision.action == "approve" ? kApproved : kRejected;
    co_await Tell(kind, decision.reason, data, decision.author);
  }
  std::vector<SessionAnswer>& answers = progress_->answers;
  if (answers.size() == kMaxSessionAnswers) answers.erase(answers.begin());
  answers.push_back(answer);
}

/// Several suggestions are one version: they must fit together, and do together what each does.
Task<std::string> SessionRun::WhyNotTogether(std::vector<std::string> ids) {
  if (options().deploy == kImmediate) {
    for (const std::string& id : ids) {
      const SessionCandidate* candidate = state().Find(id);
      if (candidate != nullptr && candidate->suggestion.needs == kAfterExperiment) {
        co_return id + " may not be deployed at once: it needs an experiment on live runs";
      }
    }
  }
  if (ids.size() < 2) co_return std::string();
  const std::vector<GraphChange> changes = ChangesOf(ids);
  const TriedVariant tried = co_await trials_->Try(changes);
  if (!tried.validation) co_return trials_->has_graph() ? tried.why_not : std::string();
  const bool rejected = tried.validation->recommendation == delivery::kReject;
  co_return rejected ? "together they are rejected: " + tried.validation->reason : std::string();
}

Task<void> SessionRun::MakeVersion() {
  const std::vector<std::string> approved = Approved();
  const SessionCandidate* first = state().Find(approved.front());
  const MakeVersionInput make{.workflow_id = header().workflow_id,
                                       .parent = progress_->window.version,
                                       .changes = ChangesOf(approved),
                                       .suggestion = Joined(approved),
                                       .expected = first->suggestion.estimated_improvement,
                                       .author = first->decided_by,
                                       .reason = first->decided_why,
                                       .now = Time()};
  const MakeVersionResult made = co_await ctx_.Activity(kMakeVersion, make, kQuickStep);
  if (!made.refused.empty()) throw Over{kOutcomeStopped, made.refused};
  const json data = {{"version_id", made.version_id}, {"version", made.version}};
  const std::string sentence = "made of " + progress_->window.version_id + " by " + Joined(approved);
  co_await Tell(kVersionMade, sentence, data);
}

void SessionRun::ContinueWhenLong() {
  if (!ctx_.info().suggest_continue_as_new && ctx_.info().history_length < kSessionHistoryEvents) return;
  input_.progress = *progress_;
  ctx_.ContinueAsNew(input_);
}

Task<void> SessionRun::Test() {
  if (state().experiment_id.empty()) {
    const BeginExperimentInput begin{.workflow_id = header().workflow_id,
                                     .experiment_id = header().session_id + "-ab",
                                     .variant = state().new_version_id,
                                     .plan = options().experiment,
                                     .author = header().author,
                                     .reason = "session " + header().session_id,
                                     .now = Time()};
    const BeginExperimentResult begun = co_await ctx_.Activity(kBeginExperiment, begin, kQuickStep);
    if (!begun.refused.empty()) throw Over{kOutcomeStopped, begun.refused};
    const json data = {{"experiment_id", begin.experiment_id}};
    const std::string sentence = state().new_version_id + " is compared on live runs";
    co_await Tell(kExperimentBegun, sentence, data);
  }
  if (!state().experiment_result.is_null()) co_return;  // of the run that this one continues
  const EvaluateExperimentInput evaluate{.experiment_id = state().experiment_id, .now = ""};
  while (true) {
    ContinueWhenLong();
    co_await ctx_.Sleep(std::chrono::seconds(options().experiment.check_every_s));
    EvaluateExperimentInput ask = evaluate;
    ask.now = Time();
    const learning::ABTestResult result = co_await ctx_.Activity(kEvaluateExperiment, ask, kLongStep);
    if (!result.decided()) continue;
    const json data = {{"result", result}};
    const std::string sentence = result.winner + ": " + result.reason;
    co_await Tell(kExperimentEnded, sentence, data);
    if (result.winner != learning::kWinnerVariant) throw Over{kOutcomeNotBetter, result.reason};
    co_return;
  }
}

Task<void> SessionRun::RollOut() {
  const RolloutInput roll_out{.workflow_id = header().workflow_id,
                              .version = state().new_version_id,
                              .rollout_id = header().session_id + "-rollout",
                              .plan = options().rollout,
                              .author = header().author,
                              .reason = "session " + header().session_id};
  const json input = roll_out;
  const sdk::ChildHandle<json> child =
      ctx_.StartChild(kRolloutWorkflow, input, {.workflow_id = roll_out.rollout_id});
  json ended;
  std::string refused;
  try {
    co_await child.Started();
    const json data = {{"rollout_id", roll_out.rollout_id}};
    const std::string sentence = state().new_version_id + " comes into service in stages";
    co_await Tell(kRolloutBegun, sentence, data);
    ended = co_await child.Result();
  } catch (const sdk::ChildWorkflowFailure& failure) {
    refused = failure.what();
  }
  if (!refused.empty()) throw Over{kOutcomeStopped, "the rollout could not be made: " + refused};
  const RolloutResult result = ended.get<RolloutResult>();
  const json data = {{"result", result}};
  const std::string sentence = result.phase + ": " + result.reason;
  co_await Tell(kRolloutEnded, sentence, data);
  if (!result.success) {
    throw Over{result.phase == delivery::kRolloutRolledBack ? kOutcomeRolledBack : kOutcomeStopped, result.reason};
  }
}

Task<void> SessionRun::Activate() {
  const ActivateVersionInput activate{.workflow_id = header().workflow_id,
                                      .version = delivery::ParseVersion(header().workflow_id, state().new_version_id)
                                                     .value(),
                                      .only_from = progress_->window.version,
                                      .author = header().author,
                                      .reason = "session " + header().session_id,
                                      .now = Time()};
  const ActivateVersionResult activated = co_await ctx_.Activity(kActivateVersion, activate, kQuickStep);
  if (!activated.refused.empty()) throw Over{kOutcomeStopped, activated.refused};
}

/// Whoever watches the workflow already goes on watching it.
Task<void> SessionRun::Watch() {
  const std::string sentence = state().new_version_id + " gets all new runs";
  const json data;
  co_await Tell(kDeployed, sentence, data);
  if (!options().watch) co_return;
  const json input = MonitorInput{.workflow_id = header().workflow_id, .check_every_s = options().watch_every_s};
  const std::string id = "monitor-" + header().workflow_id;
  const sdk::ChildHandle<json> monitor = ctx_.StartChild(
      kMonitorWorkflow, input,
      {.workflow_id = id, .parent_close = sdk::ParentClosePolicy::kAbandon,
       .cancellation = sdk::ChildCancellationType::kAbandon});
  try {
    co_await monitor.Started();
  } catch (const sdk::ChildStartFailure& failure) {
    if (!failure.already_started()) throw;
  }
}

Task<void> SessionRun::End(std::string outcome, std::string why) {
  sdk::ShieldScope shield(ctx_);
  const json data = {{"outcome", outcome}};
  co_await Tell(kEnded, why, data);
  if (!options().enable_learning) co_return;
  const LearnFromSessionInput learn{.session_id = header().session_id};
  co_await ctx_.Activity(kLearnFromSession, learn, kQuickStep);
}

/// The log first, then the state: nobody is told of what could be forgotten.
Task<void> SessionRun::Tell(std::string_view kind, std::string reason, json data, std::string author) {
  if (author.empty()) author = "wfe";
  const RecordSessionInput record{
      .session_id = header().session_id,
      .number = progress_->events + 1,
      .event = {.kind = std::string(kind), .at = Time(), .author = author, .reason = reason, .data = std::move(data)}};
  co_await ctx_.Activity(kRecordSession, record, kQuickStep);
  ++progress_->events;
  Apply(state(), record.event);
}

}  // namespace wfe::workflows
