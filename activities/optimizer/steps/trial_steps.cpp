// Recorded runs to try variants on, and what the trials of a variant say (VA-1 to VA-5, CC-1).
#include <algorithm>
#include <set>

#include "activities/graph/records/recorded_results.h"
#include "activities/optimizer/steps/profiled_workflow.h"
#include "activities/optimizer/steps/register.h"
#include "activities/optimizer/steps/trial_state.h"
#include "activities/optimizer/strategies/run_model.h"
#include "engine/base/parse_json.h"

namespace wfe::optimizer {
namespace {

/// All trials go through one payload.
constexpr size_t kMaxTrialBytes = 256 << 10;
constexpr size_t kMaxTrialsBytes = 1500 << 10;

/// The workflow id of a run.
std::string RunOf(const delivery::ExecutionRecord& execution) {
  const auto found = execution.context.find("workflow_id");
  return found != execution.context.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::set<std::string> ModelsOf(const graph::Graph& graph) {
  std::set<std::string> models;
  for (const graph::GraphNode& node : graph.nodes) models.insert(node.model);
  return models;
}

std::set<std::string> ActivitiesOf(const graph::Graph& graph) {
  std::set<std::string> activities;
  for (const graph::GraphNode& node : graph.nodes) {
    activities.insert(node.activity);
    if (!node.tool.empty()) activities.insert(node.activity + " with " + node.tool);
  }
  return activities;
}

/// What the variant runs and asks that the original does not.  A tool that the catalog names is no new command: whoever
/// keeps the catalog has allowed it.
void AddReach(const graph::Graph& original, const graph::Graph& variant, const Catalog& catalog,
              delivery::VariantFacts& facts) {
  const std::set<std::string> known_models = ModelsOf(original);
  for (const std::string& model : ModelsOf(variant)) {
    if (!known_models.contains(model) && catalog.Model(model) == nullptr) facts.new_targets.push_back(model);
  }
  const std::set<std::string> known = ActivitiesOf(original);
  for (const graph::GraphNode& node : variant.nodes) {
    if (node.activity.empty()) continue;  // a parallel node or a decision runs nothing itself
    const std::string name = node.tool.empty() ? node.activity : node.activity + " with " + node.tool;
    if (known.contains(name)) continue;
    if (!node.tool.empty() && catalog.Tool(node.tool) != nullptr && known.contains(node.activity)) continue;
    facts.new_commands.push_back(name);
  }
  facts.security_checked = true;
}

graph::Graph WithoutCaches(graph::Graph graph) {
  for (graph::GraphNode& node : graph.nodes) node.cache.reset();
  return graph;
}

}  // namespace

nlohmann::json StateOf(const temporal::api::history::v1::History& history) {
  if (history.events().empty()) return nullptr;
  const auto& first = history.events(0);
  if (!first.has_workflow_execution_started_event_attributes()) return nullptr;
  const auto& payloads = first.workflow_execution_started_event_attributes().input();
  if (payloads.payloads().empty()) return nullptr;
  const nlohmann::json input = ParseJson(payloads.payloads(0).data(), kMaxStoredJsonDepth);
  return input.is_object() && input.contains("state") ? input["state"] : nlohmann::json();
}

Result<PrepareTrialsResult> PrepareTrials(const OptimizerConfig& config, const PrepareTrialsInput& input) {
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const ProfiledWorkflow workflow, ProfileAgain(*config.records, input.window, {}, {}, problems));
  PrepareTrialsResult result;
  if (!workflow.graph) {
    result.why = "a workflow in C++ cannot be run dry";
    return result;
  }
  result.graph = *workflow.graph;
  size_t bytes = 0;
  for (auto execution = workflow.executions.rbegin(); execution != workflow.executions.rend(); ++execution) {
    if (static_cast<int64_t>(result.trials.size()) >= input.trials) break;
    if (!execution->success) continue;
    const auto history = config.history(RunOf(*execution), execution->workflow_run_id);
    if (!history) {
      result.why = "the history of run " + execution->workflow_run_id + " cannot be had: " + history.error().message;
      continue;
    }
    graph::RecordedResults recorded;
    recorded.Add(*history);
    Trial trial{.run_id = execution->workflow_run_id, .state = StateOf(*history), .recorded = recorded.All()};
    if (!trial.state.is_object()) continue;
    const size_t size = nlohmann::json(trial).dump().size();
    if (size > kMaxTrialBytes || bytes + size > kMaxTrialsBytes) {
      result.why = "the results of run " + execution->workflow_run_id + " are too large to be tried on";
      continue;
    }
    bytes += size;
    result.trials.push_back(std::move(trial));
  }
  if (result.trials.empty() && result.why.empty()) result.why = "no run of the profile ended well, so there is none to try on";
  return result;
}

Result<delivery::ValidationResult> DryRunVariant(const OptimizerConfig& config, const DryRunVariantInput& input) {
  WFE_ASSIGN_OR_RETURN(const auto original, GraphOf(input.original.dump()));
  WFE_ASSIGN_OR_RETURN(const auto variant, GraphOf(input.variant.dump()));
  if (!original || !variant) return InvalidArgument("a variant is tried against a graph");
  learning::RowProblems problems;
  WFE_ASSIGN_OR_RETURN(const ProfiledWorkflow workflow,
                       ProfileAgain(*config.records, input.window, {}, input.catalog, problems));
  // A trial runs each step once, so no cache ever has its answer: what it would save is put in from the recorded calls.
  const RunEstimate with = EstimateRun(*variant, workflow.profile, input.catalog);
  const RunEstimate without = EstimateRun(WithoutCaches(*variant), workflow.profile, input.catalog);
  std::vector<delivery::TrialPair> trials = input.trials;
  for (delivery::TrialPair& trial : trials) {
    if (without.duration > 0) trial.variant.duration_ms *= with.duration / without.duration;
    if (without.cost > 0) trial.variant.cost_usd *= with.cost / without.cost;
  }
  delivery::VariantFacts facts;
  AddReach(*original, *variant, input.catalog, facts);
  facts.equivalent = std::ranges::all_of(trials, [&](const delivery::TrialPair& trial) {
    return delivery::CompareRuns(trial, input.equivalence).equivalent;
  });
  facts.quality_score = with.quality;
  if (!trials.empty()) {
    double cost = 0;
    for (const delivery::TrialPair& trial : trials) cost += trial.variant.cost_usd;
    facts.cost = cost / static_cast<double>(trials.size());
  }
  for (const NodePerformanceProfile& node : workflow.profile.node_metrics) {
    if (node.avg_memory_mb) facts.memory_mb = std::max(facts.memory_mb.value_or(0), *node.avg_memory_mb);
    if (node.avg_cpu_percent) facts.cpu_percent = std::max(facts.cpu_percent.value_or(0), *node.avg_cpu_percent);
  }
  return delivery::Validate(trials, input.equivalence, delivery::CheckConstraints(input.constraints, facts));
}

}  // namespace wfe::optimizer
