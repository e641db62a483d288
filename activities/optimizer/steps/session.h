// An optimizer session (WO-1 to WO-5): what was asked for, and what happened, as events.  The state is a fold over them,
// so the report, the running session and the command line see the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/delivery/rules/constraints.h"
#include "activities/delivery/rules/rollout.h"
#include "activities/delivery/rules/validation.h"
#include "activities/learning/records/event_log.h"
#include "activities/learning/records/rows.h"
#include "activities/optimizer/profile/performance_profile.h"
#include "activities/optimizer/profile/catalog.h"
#include "activities/optimizer/strategies/suggestion.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::optimizer {

inline constexpr std::string_view kSessionsTable = "optimizer_sessions";

// SessionOptions::deploy (WO-3).
inline constexpr std::string_view kGradualRollout = "gradual_rollout";
inline constexpr std::string_view kAbTest = "ab_test";  ///< And then a rollout, if the variant wins.
inline constexpr std::string_view kImmediate = "immediate";

/// How two versions are compared on live runs (XB-1).
struct ExperimentPlan {
  double share = 0.10;
  int64_t min_samples = 100;  ///< Of each arm.
  double alpha = 0.05;
  int64_t max_hours = 24;
  int64_t check_every_s = 600;
};
WFE_RECORD(ExperimentPlan, share, min_samples, alpha, max_hours, check_every_s);
constexpr RecordRules RulesOf(const ExperimentPlan*) { return {.refuses_unknown = true, .subject = "experiment"}; }

/// Every field may be left out (WO-2).
struct SessionOptions {
  int64_t executions = 10;  ///< The last so many of the version in service are profiled.
  int64_t top = 10;         ///< Suggestions that are validated and presented.
  int64_t trials = 5;       ///< Recorded runs on which each is tried.
  std::string search_algorithm = "hill_climbing";  ///< Or none, or another one of activities/optimizer/search.
  double search_seconds = 20;
  bool enable_learning = true;
  bool auto_apply = false;  ///< What needs no more than a validation is applied without asking.
  double duration_weight = 0.4;
  double cost_weight = 0.4;
  double quality_weight = 0.2;
  uint64_t seed = 1;
  double approval_hours = 0;  ///< So long a decision is waited for; 0: until there is one.
  std::string deploy{kGradualRollout};
  bool watch = true;            ///< A monitor watches what was deployed …
  int64_t watch_every_s = 300;  ///< … and looks so often whether it is to be taken back.
  delivery::RolloutPlan rollout;
  ExperimentPlan experiment;
  delivery::OptimizationConstraints constraints;
  delivery::EquivalencePolicy equivalence;
  BottleneckRules rules;
  Catalog catalog;
};
WFE_RECORD(SessionOptions, executions, top, trials, search_algorithm, search_seconds, enable_learning, auto_apply,
           duration_weight, cost_weight, quality_weight, seed, approval_hours, deploy, watch, watch_every_s, rollout, experiment,
           constraints, equivalence, rules, catalog);
constexpr RecordRules RulesOf(const SessionOptions*) { return {.refuses_unknown = true, .subject = "options"}; }
/// Throws for a number, a name or a plan that is none.
void CheckRecord(const SessionOptions& options);

/// The first row of a session.
struct SessionHeader {
  std::string session_id;
  std::string workflow_id;  ///< Of the definition that is optimized.
  SessionOptions options;
  std::string author;
  std::string reason;
  std::string started_at;  ///< ISO 8601, UTC.
};
WFE_RECORD(SessionHeader, session_id, workflow_id, options, author, reason, started_at);
constexpr RecordRules RulesOf(const SessionHeader*) { return {.required = "session_id workflow_id started_at"}; }

/// A change that is offered: one suggestion, or what a search made of several.
struct SessionCandidate {
  OptimizationSuggestion suggestion;
  std::optional<delivery::ValidationResult> validation;  ///< Absent: it could not be tried; see why_not_tried.
  std::string why_not_tried;
  std::string decision;  ///< Empty, "approved" or "rejected"; so are the next three.
  std::string decided_by;
  std::string decided_why;
  std::optional<int64_t> rating;  ///< 1 to 5, of who decided (TG-9).
};
WFE_RECORD(SessionCandidate, suggestion, validation, why_not_tried, decision, decided_by, decided_why, rating);
constexpr RecordRules RulesOf(const SessionCandidate*) {
  return {.seldom = "why_not_tried decision decided_by decided_why rating"};
}

// SessionEvent::kind, in the order in which a session has them.
inline constexpr std::string_view kProfiled = "profiled";
inline constexpr std::string_view kSuggested = "suggested";
inline constexpr std::string_view kSearched = "searched";
inline constexpr std::string_view kValidated = "validated";  ///< Of one candidate.
inline constexpr std::string_view kPresented = "presented";  ///< From here on a decision is waited for.
inline constexpr std::string_view kApproved = "approved";
inline constexpr std::string_view kRejected = "rejected";
inline constexpr std::string_view kVersionMade = "version_made";
inline constexpr std::string_view kExperimentBegun = "experiment_begun";
inline constexpr std::string_view kExperimentEnded = "experiment_ended";
inline constexpr std::string_view kRolloutBegun = "rollout_begun";
inline constexpr std::string_view kRolloutEnded = "rollout_ended";
inline constexpr std::string_view kDeployed = "deployed";
inline constexpr std::string_view kEnded = "ended";  ///< data.outcome says how.

/// What happened, by whom and why.
struct SessionEvent {
  std::string kind;
  std::string at;  ///< ISO 8601, UTC.
  std::string author;
  std::string reason;    ///< For people, a sentence.
  nlohmann::json data;   ///< By kind: the results of the step.
};
WFE_RECORD(SessionEvent, kind, at, author, reason, data);
constexpr RecordRules RulesOf(const SessionEvent*) { return {.required = "kind at", .seldom = "author reason data"}; }

// SessionState::outcome.
inline constexpr std::string_view kOutcomeDeployed = "deployed";
inline constexpr std::string_view kOutcomeNothing = "nothing_to_propose";
inline constexpr std::string_view kOutcomeRejected = "rejected";
inline constexpr std::string_view kOutcomeNotBetter = "not_better";    ///< The experiment has not preferred it.
inline constexpr std::string_view kOutcomeRolledBack = "rolled_back";  ///< By its rollout.
inline constexpr std::string_view kOutcomeNotDecided = "not_decided";  ///< In the time for it.
inline constexpr std::string_view kOutcomeStopped = "stopped";         ///< Cancelled, or overtaken by another change.
inline constexpr std::string_view kOutcomeCannot = "cannot";           ///< There is nothing to profile.

struct SessionState {
  std::string phase = "profiling";  ///< suggesting, validating, waiting, testing, rolling_out, ended
  std::string outcome;              ///< Once it has ended.
  std::string why;
  std::string version_id;          ///< That was profiled.
  std::string new_version_id;      ///< That was made of it.
  std::string experiment_id;
  std::string rollout_id;
  std::optional<PerformanceProfile> profile;
  std::vector<SessionCandidate> candidates;  ///< The best first.
  std::vector<Refusal> refused;
  nlohmann::json search;              ///< The result of the search; null: there was none.
  nlohmann::json experiment_result;
  nlohmann::json rollout_result;
  std::string updated_at;

  bool ended() const { return phase == "ended"; }
  SessionCandidate* Find(std::string_view suggestion_id);
};
WFE_RECORD(SessionState, phase, outcome, why, version_id, new_version_id, experiment_id, rollout_id, profile,
           candidates, refused, search, experiment_result, rollout_result, updated_at);
constexpr RecordRules RulesOf(const SessionState*) {
  return {.seldom = "outcome why new_version_id experiment_id rollout_id search experiment_result rollout_result"};
}

/// Pure.  Throws nlohmann::json::exception for an event whose data is not what its kind has.
void Apply(SessionState& state, const SessionEvent& event);

struct StoredSession {
  SessionHeader header;
  SessionState state;
  std::vector<SessionEvent> events;
};
WFE_RECORD(StoredSession, header, state, events);

/// Calls block; callable from any thread.
class SessionLog {
 public:
  explicit SessionLog(client::RecordsClient& records) : log_(records, kSessionsTable) {}

  /// The first header counts; it is returned.
  Result<SessionHeader> Begin(const SessionHeader& header);
  /// Appends the `number`-th event (from 1).  One that is there already is left as it is.
  Status Append(const std::string& session_id, int64_t number, const SessionEvent& event);
  /// NOT_FOUND when there is none.
  Result<StoredSession> Get(const std::string& session_id) const;
  /// By id; one that cannot be read is a problem.
  Result<std::vector<StoredSession>> List(learning::RowProblems& problems) const;

 private:
  learning::EventLog log_;
};

/// What sessions led to, all together (TG-9).
struct AdoptionFigures {
  int64_t sessions = 0;
  int64_t workflows = 0;            ///< That had a session.
  int64_t optimized_workflows = 0;  ///< Of them: those that got a version into service.
  int64_t suggestions = 0;
  int64_t approved = 0;
  int64_t rejected = 0;
  int64_t deployed = 0;
  int64_t rolled_back = 0;
  std::optional<double> approval_rate;  ///< Of the decided ones.
  std::optional<double> rollback_rate;  ///< Of the deployed ones and those that a rollout took back.
  std::optional<double> mean_rating;
};
WFE_RECORD(AdoptionFigures, sessions, workflows, optimized_workflows, suggestions, approved, rejected, deployed,
           rolled_back, approval_rate, rollback_rate, mean_rating);
/// `taken_back`: versions that a monitor or a person gave up after they had been deployed, by id.
AdoptionFigures Adoption(const std::vector<StoredSession>& sessions, const std::vector<std::string>& taken_back);

}  // namespace wfe::optimizer
