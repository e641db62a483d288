// The activities of an optimizer session (AC-11).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/graph/recorded_result.h"
#include "activities/learning/experiments/judge.h"
#include "activities/optimizer/steps/session.h"
#include "workers/sdk/activity.h"

namespace wfe::optimizer {

struct BeginSessionInput {
  SessionHeader header;
};
WFE_RECORD(BeginSessionInput, header);
constexpr RecordRules RulesOf(const BeginSessionInput*) { return {.whole = true}; }

struct BeginSessionResult {
  SessionHeader header;
  std::string refused;  ///< Not empty: why there cannot be a session now.
};
WFE_RECORD(BeginSessionResult, header, refused);

struct RecordSessionInput {
  std::string session_id;
  int64_t number = 1;
  SessionEvent event;
};
WFE_RECORD(RecordSessionInput, session_id, number, event);
constexpr RecordRules RulesOf(const RecordSessionInput*) { return {.whole = true}; }

/// Which executions a session is about; the same in all its steps, whatever comes in meanwhile.
struct ProfileWindow {
  std::string workflow_id;
  int version = 0;
  std::string version_id;
  std::string from;  ///< ISO 8601: the end of the first execution …
  std::string to;    ///< … and just after that of the last.
  int64_t executions = 0;
};
WFE_RECORD(ProfileWindow, workflow_id, version, version_id, from, to, executions);
constexpr RecordRules RulesOf(const ProfileWindow*) { return {.whole = true}; }

struct BuildProfileInput {
  std::string workflow_id;
  int64_t executions = 10;
  BottleneckRules rules;
  Catalog catalog;
  std::string now;
};
WFE_RECORD(BuildProfileInput, workflow_id, executions, rules, catalog, now);
constexpr RecordRules RulesOf(const BuildProfileInput*) { return {.whole = true}; }

struct BuildProfileResult {
  ProfileWindow window;
  PerformanceProfile profile;
  std::string cannot;  ///< Not empty: why there is no profile.
  std::vector<std::string> problems;
};
WFE_RECORD(BuildProfileResult, window, profile, cannot, problems);
constexpr RecordRules RulesOf(const BuildProfileResult*) { return {.seldom = "cannot problems"}; }

struct GenerateSuggestionsInput {
  ProfileWindow window;
  BottleneckRules rules;
  Catalog catalog;
  int64_t top = 10;
  bool learning = true;  ///< The order follows what earlier sessions gained (LN-4), and what helped others is added (LN-6).
  std::string now;
};
WFE_RECORD(GenerateSuggestionsInput, window, rules, catalog, top, learning, now);
constexpr RecordRules RulesOf(const GenerateSuggestionsInput*) { return {.whole = true}; }

struct SearchVariantInput {
  ProfileWindow window;
  Catalog catalog;
  std::string algorithm;
  double seconds = 20;
  double duration_weight = 0.4;
  double cost_weight = 0.4;
  double quality_weight = 0.2;
  uint64_t seed = 1;
};
WFE_RECORD(SearchVariantInput, window, catalog, algorithm, seconds, duration_weight, cost_weight, quality_weight, seed);
constexpr RecordRules RulesOf(const SearchVariantInput*) { return {.whole = true}; }

struct SearchVariantResult {
  nlohmann::json result;                           ///< What the search says of itself.
  std::optional<OptimizationSuggestion> combined;  ///< All its changes as one; absent: it found nothing better.
};
WFE_RECORD(SearchVariantResult, result, combined);

/// A recorded run that variants are tried on (VA-5).
struct Trial {
  std::string run_id;
  nlohmann::json state;                        ///< Its input.
  std::vector<graph::RecordedResult> recorded;  ///< What its steps gave.
};
WFE_RECORD(Trial, run_id, state, recorded);

struct PrepareTrialsInput {
  ProfileWindow window;
  int64_t trials = 5;
};
WFE_RECORD(PrepareTrialsInput, window, trials);
constexpr RecordRules RulesOf(const PrepareTrialsInput*) { return {.whole = true}; }

struct PrepareTrialsResult {
  nlohmann::json graph;  ///< Of the version; null: it is no graph, so nothing can be tried.
  std::vector<Trial> trials;
  std::string why;  ///< Why there are fewer than were asked for.
};
WFE_RECORD(PrepareTrialsResult, graph, trials, why);
constexpr RecordRules RulesOf(const PrepareTrialsResult*) { return {.seldom = "why"}; }

/// A graph with changes made to it.
struct ChangeGraphInput {
  nlohmann::json graph;
  std::vector<GraphChange> changes;
};
WFE_RECORD(ChangeGraphInput, graph, changes);
constexpr RecordRules RulesOf(const ChangeGraphInput*) { return {.whole = true}; }

struct ChangeGraphResult {
  nlohmann::json graph;
  std::string refused;
};
WFE_RECORD(ChangeGraphResult, graph, refused);
constexpr RecordRules RulesOf(const ChangeGraphResult*) { return {.seldom = "refused"}; }

/// The trials of one variant, judged.
struct DryRunVariantInput {
  std::vector<delivery::TrialPair> trials;
  ProfileWindow window;  ///< Says how often a cache would have had the answer: a dry run shows no hits.
  Catalog catalog;
  delivery::EquivalencePolicy equivalence;
  delivery::OptimizationConstraints constraints;
  nlohmann::json original;  ///< Both graphs: what the variant reaches that the original does not (CC-1).
  nlohmann::json variant;
};
WFE_RECORD(DryRunVariantInput, trials, window, catalog, equivalence, constraints, original, variant);
constexpr RecordRules RulesOf(const DryRunVariantInput*) { return {.whole = true}; }

struct MakeVersionInput {
  std::string workflow_id;
  int parent = 0;
  std::vector<GraphChange> changes;
  std::string suggestion;   ///< Ids, with commas between them.
  nlohmann::json expected;  ///< The estimate.
  std::string author;
  std::string reason;
  std::string now;
};
WFE_RECORD(MakeVersionInput, workflow_id, parent, changes, suggestion, expected, author, reason, now);
constexpr RecordRules RulesOf(const MakeVersionInput*) { return {.whole = true}; }

struct MakeVersionResult {
  int version = 0;
  std::string version_id;
  std::string refused;
};
WFE_RECORD(MakeVersionResult, version, version_id, refused);
constexpr RecordRules RulesOf(const MakeVersionResult*) { return {.seldom = "refused"}; }

struct BeginExperimentInput {
  std::string workflow_id;
  std::string experiment_id;
  std::string variant;  ///< A version id.
  ExperimentPlan plan;
  std::string author;
  std::string reason;
  std::string now;
};
WFE_RECORD(BeginExperimentInput, workflow_id, experiment_id, variant, plan, author, reason, now);
constexpr RecordRules RulesOf(const BeginExperimentInput*) { return {.whole = true}; }

struct BeginExperimentResult {
  std::string refused;  ///< Empty: it runs.
};
WFE_RECORD(BeginExperimentResult, refused);

struct EvaluateExperimentInput {
  std::string experiment_id;
  std::string now;
};
WFE_RECORD(EvaluateExperimentInput, experiment_id, now);
constexpr RecordRules RulesOf(const EvaluateExperimentInput*) { return {.whole = true}; }

struct ActivateVersionInput {
  std::string workflow_id;
  int version = 0;
  int only_from = 0;  ///< What was profiled; where another version is in service meanwhile, nothing is done.
  std::string author;
  std::string reason;
  std::string now;
};
WFE_RECORD(ActivateVersionInput, workflow_id, version, only_from, author, reason, now);
constexpr RecordRules RulesOf(const ActivateVersionInput*) { return {.whole = true}; }

struct ActivateVersionResult {
  std::string refused;  ///< Empty: it is in service.
};
WFE_RECORD(ActivateVersionResult, refused);

/// What a session led to, for the order of the next one's suggestions (LN-4).
struct LearnFromSessionInput {
  std::string session_id;
};
WFE_RECORD(LearnFromSessionInput, session_id);
constexpr RecordRules RulesOf(const LearnFromSessionInput*) { return {.whole = true}; }

inline constexpr sdk::ActivityType<BeginSessionInput, BeginSessionResult> kBeginSession{"beginOptimizerSession"};
inline constexpr sdk::ActivityType<RecordSessionInput, sdk::Nothing> kRecordSession{"recordOptimizerSession"};
inline constexpr sdk::ActivityType<BuildProfileInput, BuildProfileResult> kBuildProfile{"buildProfile"};
inline constexpr sdk::ActivityType<GenerateSuggestionsInput, Suggestions> kGenerateSuggestions{"generateSuggestions"};
inline constexpr sdk::ActivityType<SearchVariantInput, SearchVariantResult> kSearchVariant{"searchVariant"};
inline constexpr sdk::ActivityType<PrepareTrialsInput, PrepareTrialsResult> kPrepareTrials{"prepareTrials"};
inline constexpr sdk::ActivityType<ChangeGraphInput, ChangeGraphResult> kChangeGraph{"changeGraph"};
inline constexpr sdk::ActivityType<DryRunVariantInput, delivery::ValidationResult> kDryRunVariant{"dryRunVariant"};
inline constexpr sdk::ActivityType<MakeVersionInput, MakeVersionResult> kMakeVersion{"makeVersion"};
inline constexpr sdk::ActivityType<BeginExperimentInput, BeginExperimentResult> kBeginExperiment{"beginExperiment"};
inline constexpr sdk::ActivityType<EvaluateExperimentInput, learning::ABTestResult> kEvaluateExperiment{
    "evaluateExperiment"};
inline constexpr sdk::ActivityType<ActivateVersionInput, ActivateVersionResult> kActivateVersion{"activateVersion"};
inline constexpr sdk::ActivityType<LearnFromSessionInput, sdk::Nothing> kLearnFromSession{"learnFromSession"};

}  // namespace wfe::optimizer
