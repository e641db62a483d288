#include "activities/optimizer/steps/session_steps.h"

#include <algorithm>
#include <chrono>

#include "activities/delivery/records/version_choice.h"
#include "activities/delivery/records/version_experiment.h"
#include "activities/delivery/steps/register.h"
#include "activities/optimizer/learning/features.h"
#include "activities/optimizer/learning/learned_changes.h"
#include "activities/optimizer/learning/selector.h"
#include "activities/optimizer/learning/transfer.h"
#include "activities/optimizer/search/algorithms.h"
#include "activities/optimizer/steps/profiled_workflow.h"
#include "activities/optimizer/steps/register.h"
#include "activities/optimizer/strategies/apply.h"
#include "activities/optimizer/strategies/strategy.h"
#include "engine/base/read_time.h"

namespace wfe::optimizer {
namespace {

/// Of one profile that goes into a session's log; a row must not become too large.
constexpr size_t kMaxNodesTold = 200;
constexpr size_t kMaxRefusalsTold = 100;

/// What nobody can put right by asking again is an answer, not an error.
bool IsAnswer(const Error& error) {
  return error.code == StatusCode::kNotFound || error.code == StatusCode::kFailedPrecondition ||
         error.code == StatusCode::kInvalidArgument;
}

delivery::Change ChangeOf(const std::string& author, const std::string& reason, const std::string& at) {
  return {.author = author, .reason = reason, .at = at};
}

/// Those that cost the most time stay.
void Shorten(PerformanceProfile& profile) {
  if (profile.node_metrics.size() <= kMaxNodesTold) return;
  std::vector<NodePerformanceProfile> nodes = std::move(profile.node_metrics);
  std::ranges::stable_sort(nodes, std::greater(), &NodePerformanceProfile::time_contribution);
  profile.skipped.push_back(std::to_string(nodes.size() - kMaxNodesTold) + " nodes with the least time are not listed");
  nodes.resize(kMaxNodesTold);
  std::ranges::sort(nodes, {}, &NodePerformanceProfile::node_id);
  profile.node_metrics = std::move(nodes);
}

SelectorContext ContextOf(const ProfiledWorkflow& workflow) {
  const PerformanceProfile& profile = workflow.profile;
  return {.workflow_type = profile.workflow_id,
          .bottleneck_type = profile.bottlenecks.empty() ? "" : profile.bottlenecks.front().type,
          .size_class = std::string(SizeClassOf(profile.node_metrics.size()))};
}

/// Suggestions in the order of their rank, where what strategies brought before moves one up or down (LN-4).
Status Reorder(client::RecordsClient& records, const ProfiledWorkflow& workflow, Suggestions& suggestions,
               learning::RowProblems& problems) {
  const SelectorContext context = ContextOf(workflow);
  WFE_ASSIGN_OR_RETURN(const RewardHistory history, LoadRewards(records, context, problems));
  if (history.empty()) return Ok();
  std::vector<std::string> candidates;
  for (const auto& suggestion : suggestions.made) {
    if (std::ranges::find(candidates, suggestion.strategy_type) == candidates.end()) {
      candidates.push_back(suggestion.strategy_type);
    }
  }
  const auto ranked = RankStrategies(context.bottleneck_type, candidates, history);
  const auto mean_of = [&](const OptimizationSuggestion& suggestion) {
    const auto found = std::ranges::find(ranked, suggestion.strategy_type, &RankedStrategy::strategy);
    return found == ranked.end() ? 0.5 : found->mean;
  };
  // A strategy that brought nothing so far counts half, one that always brought all counts one and a half.
  std::ranges::stable_sort(suggestions.made, std::greater(),
                           [&](const auto& suggestion) { return suggestion.rank * (0.5 + mean_of(suggestion)); });
  return Ok();
}

/// What helped workflows like this one, behind its own suggestions (LN-6).
Status AddTransferred(client::RecordsClient& records, const ProfiledWorkflow& workflow, Instant now,
                      Suggestions& suggestions, learning::RowProblems& problems) {
  if (!workflow.graph) return Ok();
  WFE_ASSIGN_OR_RETURN(const auto sources, LoadSources(records, now, problems));
  for (OptimizationSuggestion& suggestion : Transfer(*workflow.graph, sources).made) {
    const auto same = [&](const OptimizationSuggestion& made) { return made.suggestion_id == suggestion.suggestion_id; };
    if (std::ranges::none_of(suggestions.made, same)) suggestions.made.push_back(std::move(suggestion));
  }
  return Ok();
}

struct RealizedImprovement {
  double duration_reduction = 0;
  double cost_reduction = 0;
};

/// Of the new version's runs against those of the one before; nothing where one of them has none.
Result<RealizedImprovement> RealizedBy(client::RecordsClient& records, const StoredSession& session,
                                       learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(const Instant started, ReadIso8601(session.header.started_at));
  WFE_ASSIGN_OR_RETURN(const Instant ended, ReadIso8601(session.state.updated_at));
  WFE_ASSIGN_OR_RETURN(const auto executions,
                       delivery::LoadExecutions(records, session.header.workflow_id, started - std::chrono::days(7),
                                                ended + std::chrono::milliseconds(1), problems));
  std::vector<delivery::RunOutcome> before;
  std::vector<delivery::RunOutcome> after;
  for (const delivery::ExecutionRecord& execution : executions) {
    if (execution.version_id == session.state.version_id) before.push_back(OutcomeOf(execution));
    if (execution.version_id == session.state.new_version_id) after.push_back(OutcomeOf(execution));
  }
  RealizedImprovement realized;
  if (before.empty() || after.empty()) return realized;
  const delivery::PerformanceWindow was = delivery::Describe(before);
  const delivery::PerformanceWindow is = delivery::Describe(after);
  if (was.mean_duration_ms > 0) realized.duration_reduction = 1 - is.mean_duration_ms / was.mean_duration_ms;
  if (was.mean_cost_usd > 0) realized.cost_reduction = 1 - is.mean_cost_usd / was.mean_cost_usd;
  return realized;
}

/// Which of two needs is the greater one.
int WeightOf(std::string_view needs) {
  return needs == kAfterReview ? 3 : needs == kAfterExperiment ? 2 : needs == kAfterApproval ? 1 : 0;
}
int WeightOfRisk(std::string_view risk) { return risk == kRiskHigh ? 2 : risk == kRiskMedium ? 1 : 0; }

/// What a search found, as one suggestion: as risky as its riskiest change, and as sure as its least sure one.
OptimizationSuggestion CombinedOf(const ProfiledWorkflow& workflow, const Catalog& catalog,
                                  const OptimizationResult& found) {
  OptimizationSuggestion combined{.suggestion_id = SuggestionId(workflow.window.workflow_id, found.changes),
                                  .strategy_type = "search",
                                  .action = found.changes.front().type,
                                  .changes = found.changes,
                                  .risk_level = std::string(kRiskLow),
                                  .needs = std::string(kAfterValidation)};
  combined.estimated_improvement.confidence = 1;
  const Suggestions single = Suggest(workflow.GraphOrNull(), workflow.profile, catalog,
                                     {.everywhere = true, .all_alternatives = true});
  for (const GraphChange& change : found.changes) {
    combined.target += (combined.target.empty() ? "" : ",") + (change.nodes.empty() ? "" : change.nodes.front());
    const auto alone = std::ranges::find_if(single.made, [&](const OptimizationSuggestion& suggestion) {
      return suggestion.changes.size() == 1 && suggestion.changes.front() == change;
    });
    const bool known = alone != single.made.end();
    const std::string risk = known ? alone->risk_level : std::string(kRiskMedium);
    const std::string needs = known ? alone->needs : std::string(kAfterApproval);
    if (WeightOfRisk(risk) > WeightOfRisk(combined.risk_level)) combined.risk_level = risk;
    if (WeightOf(needs) > WeightOf(combined.needs)) combined.needs = needs;
    combined.estimated_improvement.confidence = std::min(combined.estimated_improvement.confidence,
                                                         known ? alone->estimated_improvement.confidence : 0.5);
  }
  EstimatedImprovement& gain = combined.estimated_improvement;
  const double whole = found.start.duration + OverheadOf(found.start, workflow.profile);
  if (whole > 0) gain.duration_reduction = (found.start.duration - found.optimized.duration) / whole;
  if (found.start.cost > 0) gain.cost_reduction = 1 - found.optimized.cost / found.start.cost;
  gain.quality_impact = found.optimized.quality - found.start.quality;
  gain.speedup = gain.duration_reduction < 1 ? 1 / (1 - gain.duration_reduction) : 1;
  combined.description = std::to_string(found.changes.size()) + " changes that " + found.algorithm + " put together";
  combined.evidence = {{"score", found.score}, {"start_score", found.start_score}, {"path", found.path}};
  combined.rank = RankOf(combined);
  return combined;
}

}  // namespace

Result<BeginSessionResult> BeginSession(const OptimizerConfig& config, const BeginSessionInput& input) {
  const auto state = delivery::VersionStore(*config.records).Get(input.header.workflow_id);
  if (!state) {
    if (IsAnswer(state.error())) return BeginSessionResult{input.header, state.error().message};
    return state.error();
  }
  if (state->split) {
    return BeginSessionResult{input.header, "rollout " + state->split->rollout_id + " divides the traffic of " +
                                                input.header.workflow_id + "; a profile of it would be of two versions"};
  }
  learning::RowProblems problems;
  learning::ExperimentStore experiments(*config.records);
  WFE_ASSIGN_OR_RETURN(const auto running,
                       experiments.RunningOn(delivery::SubjectOf(input.header.workflow_id), problems));
  if (running) {
    return BeginSessionResult{input.header, "experiment " + running->experiment_id + " divides the traffic of " +
                                                input.header.workflow_id};
  }
  WFE_ASSIGN_OR_RETURN(const std::string content,
                       delivery::VersionStore(*config.records).Content(*state, state->in_service));
  WFE_ASSIGN_OR_RETURN(const auto graph, GraphOf(content));
  if (!graph) {
    return BeginSessionResult{input.header, delivery::VersionId(input.header.workflow_id, state->in_service) +
                                                " is no graph; only graphs are changed by a session"};
  }
  WFE_ASSIGN_OR_RETURN(const SessionHeader header, SessionLog(*config.records).Begin(input.header));
  return BeginSessionResult{header, ""};
}

Result<sdk::Nothing> RecordSession(const OptimizerConfig& config, const RecordSessionInput& input) {
  WFE_RETURN_IF_ERROR(SessionLog(*config.records).Append(input.session_id, input.number, input.event));
  return sdk::Nothing();
}

Result<BuildProfileResult> BuildProfile(const OptimizerConfig& config, const BuildProfileInput& input) {
  BuildProfileResult result;
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  auto workflow = ProfileLast(*config.records, input.workflow_id, input.executions, input.rules, input.catalog, now,
                              result.problems);
  if (!workflow) {
    if (!IsAnswer(workflow.error())) return workflow.error();
    result.cannot = workflow.error().message;
    return result;
  }
  result.window = workflow->window;
  result.profile = std::move(workflow->profile);
  Shorten(result.profile);
  return result;
}

Result<Suggestions> GenerateSuggestions(const OptimizerConfig& config, const GenerateSuggestionsInput& input) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const ProfiledWorkflow workflow,
                       ProfileAgain(*config.records, input.window, input.rules, input.catalog, problems));
  Suggestions suggestions = Suggest(workflow.GraphOrNull(), workflow.profile, input.catalog);
  if (input.learning) {
    WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
    WFE_RETURN_IF_ERROR(Reorder(*config.records, workflow, suggestions, problems));
    WFE_RETURN_IF_ERROR(AddTransferred(*config.records, workflow, now, suggestions, problems));
  }
  const auto top = static_cast<size_t>(input.top);
  if (suggestions.made.size() > top) suggestions.made.resize(top);
  if (suggestions.refused.size() > kMaxRefusalsTold) suggestions.refused.resize(kMaxRefusalsTold);
  return suggestions;
}

Result<ChangeGraphResult> ChangeGraph(const OptimizerConfig&, const ChangeGraphInput& input) {
  ChangeGraphResult result;
  WFE_ASSIGN_OR_RETURN(const auto graph, GraphOf(input.graph.dump()));
  if (!graph) return ChangeGraphResult{nullptr, "there is no graph to change"};
  Result<graph::Graph> changed = ApplyChanges(*graph, input.changes);
  if (changed) {
    result.graph = *changed;
  } else {
    result.refused = changed.error().message;
  }
  return result;
}

Result<MakeVersionResult> MakeVersion(const OptimizerConfig& config, const MakeVersionInput& input) {
  delivery::VersionStore store(*config.records);
  WFE_ASSIGN_OR_RETURN(const auto state, store.Get(input.workflow_id));
  WFE_ASSIGN_OR_RETURN(const std::string before, store.Content(state, input.parent));
  WFE_ASSIGN_OR_RETURN(const auto graph, GraphOf(before));
  delivery::NewVersion version{.workflow_id = input.workflow_id,
                               .content = "",
                               .parent_version = input.parent,
                               .suggestion = input.suggestion,
                               .metrics = input.expected,
                               .author = input.author,
                               .reason = input.reason,
                               .at = input.now};
  if (!graph) return MakeVersionResult{.refused = delivery::VersionId(input.workflow_id, input.parent) + " is no graph"};
  const Result<graph::Graph> changed = ApplyChanges(*graph, input.changes);
  if (!changed) return MakeVersionResult{.refused = changed.error().message};
  version.content = graph::CanonicalJson(*changed);
  const Result<int> number = store.Put(version);
  if (!number) {
    if (IsAnswer(number.error())) return MakeVersionResult{.refused = number.error().message};
    return number.error();
  }
  return MakeVersionResult{
      .version = *number, .version_id = delivery::VersionId(input.workflow_id, *number), .refused = ""};
}

Result<BeginExperimentResult> BeginExperiment(const OptimizerConfig& config, const BeginExperimentInput& input) {
  learning::Experiment experiment;
  experiment.experiment_id = input.experiment_id;
  experiment.variant = input.variant;
  experiment.variant_share = input.plan.share;
  experiment.min_samples = input.plan.min_samples;
  experiment.alpha = input.plan.alpha;
  experiment.max_hours = input.plan.max_hours;
  experiment.started_at = input.now;
  experiment.author = input.author;
  experiment.reason = input.reason;
  const auto started = delivery::StartVersionExperiment(*config.records, input.workflow_id, experiment);
  if (started) return BeginExperimentResult();
  if (IsAnswer(started.error())) return BeginExperimentResult{started.error().message};
  return started.error();
}

Result<learning::ABTestResult> EvaluateExperiment(const OptimizerConfig& config, const EvaluateExperimentInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  learning::RowProblems problems;
  return delivery::JudgeVersionExperiment(*config.records, input.experiment_id, {}, now, problems);
}

Result<ActivateVersionResult> ActivateVersion(const OptimizerConfig& config, const ActivateVersionInput& input) {
  const auto activated =
      delivery::VersionStore(*config.records)
          .Activate(input.workflow_id, input.version, ChangeOf(input.author, input.reason, input.now), input.only_from);
  if (activated) return ActivateVersionResult();
  if (IsAnswer(activated.error()) || activated.error().code == StatusCode::kAborted) {
    return ActivateVersionResult{activated.error().message};
  }
  return activated.error();
}

Result<SearchVariantResult> SearchVariant(const OptimizerConfig& config, const SearchVariantInput& input,
                                          const std::function<bool()>& cancelled) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const ProfiledWorkflow workflow,
                       ProfileAgain(*config.records, input.window, {}, input.catalog, problems));
  if (!workflow.graph) {
    return SearchVariantResult{{{"skipped", "a workflow in C++ has no graph to search in"}}, std::nullopt};
  }
  const SearchProblem problem{
      .start = *workflow.graph,
      .profile = workflow.profile,
      .catalog = input.catalog,
      .weights = {input.duration_weight, input.cost_weight, input.quality_weight}};
  WFE_ASSIGN_OR_RETURN(
      const OptimizationResult found,
      SearchBy(input.algorithm, problem, input.seed, {.seconds = input.seconds, .cancelled = cancelled}));
  SearchVariantResult result;
  result.result = found;
  result.result.erase("optimized_workflow");  // its changes say it
  if (found.changes.size() > 1) result.combined = CombinedOf(workflow, input.catalog, found);
  return result;
}

Result<sdk::Nothing> LearnFromSession(const OptimizerConfig& config, const LearnFromSessionInput& input) {
  WFE_ASSIGN_OR_RETURN(const StoredSession session, SessionLog(*config.records).Get(input.session_id));
  const SessionState& state = session.state;
  if (!state.profile) return sdk::Nothing();
  const bool measured = state.outcome == kOutcomeDeployed || state.outcome == kOutcomeRolledBack ||
                        state.outcome == kOutcomeNotBetter;
  if (!measured) return sdk::Nothing();
  const SelectorContext context{
      .workflow_type = session.header.workflow_id,
      .bottleneck_type = state.profile->bottlenecks.empty() ? "" : state.profile->bottlenecks.front().type,
      .size_class = std::string(SizeClassOf(state.profile->node_metrics.size()))};
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const RealizedImprovement realized, RealizedBy(*config.records, session, problems));
  const delivery::VersionStore store(*config.records);
  WFE_ASSIGN_OR_RETURN(const auto versions, store.Get(session.header.workflow_id));
  WFE_ASSIGN_OR_RETURN(const int profiled, delivery::ParseVersion(session.header.workflow_id, state.version_id));
  WFE_ASSIGN_OR_RETURN(const std::string content, store.Content(versions, profiled));
  WFE_ASSIGN_OR_RETURN(const auto graph, GraphOf(content));
  for (const SessionCandidate& candidate : state.candidates) {
    if (candidate.decision != "approved") continue;
    const Reward reward{
        .strategy = candidate.suggestion.strategy_type,
        .reward = RewardOf(realized.duration_reduction, realized.cost_reduction, state.outcome == kOutcomeDeployed),
        .at = state.updated_at};
    const std::string trial = input.session_id + "-" + candidate.suggestion.suggestion_id;
    WFE_RETURN_IF_ERROR(SaveReward(*config.records, context, trial, reward));
    if (!graph) continue;
    WFE_RETURN_IF_ERROR(SaveLearned(
        *config.records,
        {.id = trial,
         .at = state.updated_at,
         .workflow_id = session.header.workflow_id,
         .suggestion = candidate.suggestion,
         .measured_improvement = std::max(realized.duration_reduction, realized.cost_reduction)},
        *graph));
  }
  return sdk::Nothing();
}

}  // namespace wfe::optimizer
