// A rollout in stages as a pure state machine (RO-1 to RO-3): what happens next, given what was seen and asked for.
//
// The state is a fold over events; every change is one, with its reason.  Who drives it (RolloutWorkflow) carries out
// what an event means for the traffic, asks for checks, and brings what people say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/regression.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::delivery {

struct RolloutStage {
  double percent = 0;         ///< Of new runs that get the new version.
  int64_t duration_s = 3600;  ///< How long it lasts at least.
};
WFE_RECORD(RolloutStage, percent, duration_s);
constexpr RecordRules RulesOf(const RolloutStage*) { return {.refuses_unknown = true, .required = "percent"}; }

inline constexpr size_t kMaxStages = 20;
inline constexpr int64_t kMaxStageSeconds = 90ll * 24 * 3600;

/// Every field may be left out.
struct RolloutPlan {
  std::vector<RolloutStage> stages = {
      {.percent = 5}, {.percent = 10}, {.percent = 25}, {.percent = 50}, {.percent = 100}};
  int64_t check_every_s = 300;
  int64_t min_samples = 20;   ///< Runs of the new version that end in a stage before it ends.
  double max_extension = 4;   ///< A stage that lacks them lasts at most so many times as long, then a person decides.
  RegressionRule regression;  ///< Its min_samples: before anything is compared.
  double harm_alpha = 0.05;   ///< Chance that failures stop a rollout without harm.
};
WFE_RECORD(RolloutPlan, stages, check_every_s, min_samples, max_extension, regression, harm_alpha);
constexpr RecordRules RulesOf(const RolloutPlan*) { return {.refuses_unknown = true, .subject = "plan"}; }
/// Throws for stages that do not rise to 100 %, and for numbers that none can be.
void CheckRecord(const RolloutPlan& plan);

/// The values of RolloutState::phase.
inline constexpr std::string_view kRolloutRunning = "running";
inline constexpr std::string_view kRolloutPaused = "paused";    ///< Its traffic stays, its time stands still.
inline constexpr std::string_view kRolloutWaiting = "waiting";  ///< Too few runs for too long: a person decides.
inline constexpr std::string_view kRolloutSucceeded = "succeeded";
inline constexpr std::string_view kRolloutRolledBack = "rolled_back";  ///< A regression was found.
inline constexpr std::string_view kRolloutAborted = "aborted";         ///< By a person, or overtaken by another change.

/// The values of RolloutEvent::kind.
inline constexpr std::string_view kRolloutStarted = "started";
inline constexpr std::string_view kStageEntered = "stage_entered";
inline constexpr std::string_view kStageExtended = "stage_extended";
inline constexpr std::string_view kDecisionAsked = "decision_asked";
inline constexpr std::string_view kStageCompleted = "stage_completed";
inline constexpr std::string_view kStageSkipped = "stage_skipped";
inline constexpr std::string_view kPaused = "paused";
inline constexpr std::string_view kResumed = "resumed";
inline constexpr std::string_view kRegressed = "regressed";
inline constexpr std::string_view kAborted = "aborted";
inline constexpr std::string_view kSucceeded = "succeeded";

struct RolloutEvent {
  std::string kind;
  std::string at;    ///< ISO 8601, UTC.
  int stage = 0;     ///< 1 for the first; 0: before it.
  double share = 0;  ///< Of the traffic from here on, 0 to 1.
  int64_t samples = 0;
  std::string author;  ///< "rollout" unless a person did it.
  std::string reason;
  std::optional<RegressionCheck> check;  ///< Of `regressed`.
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(RolloutEvent, kind, at, stage, share, samples, author, reason, check);
constexpr RecordRules RulesOf(const RolloutEvent*) { return {.required = "kind at stage share", .seldom = "samples"}; }

struct RolloutState {
  std::string phase;  ///< Empty: not started.
  int stage = 0;      ///< 1 for the first.
  double share = 0;
  std::vector<int> completed;    ///< Stages that ran to their end.
  std::string stage_entered_at;  ///< ISO 8601.
  std::string running_since;     ///< Of the part of the stage that runs; empty while paused or waiting.
  int64_t stage_ran_ms = 0;      ///< In its parts before.
  int64_t allowance_ms = 0;      ///< Added to the longest time of the stage by a person who let it go on.
  bool extended = false;
  int64_t events = 0;  ///< So many have been applied.
  std::string updated_at;
  std::string reason;  ///< Of the last event.
  std::optional<RegressionCheck> regression;

  bool ended() const { return phase == kRolloutSucceeded || phase == kRolloutRolledBack || phase == kRolloutAborted; }
};
WFE_RECORD(RolloutState, phase, stage, share, completed, stage_entered_at, running_since, stage_ran_ms, allowance_ms,
           extended, events, updated_at, reason, regression);

/// What a person asks for.
inline constexpr std::string_view kControls[] = {"pause", "resume", "abort", "skip"};
struct RolloutControl {
  std::string action;
  std::string author;
  std::string reason;
  std::string request_id;  ///< Of whoever asks, to find the answer by.
  int stage = 0;           ///< That whoever asks has seen; with another one nothing is done.  0: any.
};
WFE_RECORD(RolloutControl, action, author, reason, request_id, stage);
constexpr RecordRules RulesOf(const RolloutControl*) { return {.required = "action author reason", .seldom = "stage"}; }

/// What a look at the traffic gave.
struct Observed {
  int64_t samples = 0;  ///< Of the new version, that began and ended in this stage.
  RegressionCheck check;
  std::string overtaken;  ///< Not empty: why the traffic is no longer this rollout's.
};

using RolloutEvents = std::vector<RolloutEvent>;

/// Pure; all three.  The events follow each other: apply each before asking again.
RolloutEvents BeginRollout(const RolloutPlan& plan, const std::string& author, const std::string& reason, Instant now);
RolloutEvents DecideObserved(const RolloutPlan& plan, const RolloutState& state, const Observed& observed, Instant now);
/// FAILED_PRECONDITION or INVALID_ARGUMENT with a sentence when it cannot be.
Result<RolloutEvents> DecideControl(const RolloutPlan& plan, const RolloutState& state, const RolloutControl& control,
                                    Instant now);

void Apply(RolloutState& state, const RolloutEvent& event);

/// When to look again: at the next check, or when the stage's time is over.  Of a rollout that has not ended.
Instant NextLook(const RolloutPlan& plan, const RolloutState& state, Instant now);

/// How long the stage has run, without pauses.
Duration StageRan(const RolloutState& state, Instant now);

}  // namespace wfe::delivery
