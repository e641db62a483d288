#include "workflows/optimizer/variant_trials.h"

#include <chrono>

#include "workflows/graph/graph_workflow.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using namespace optimizer;
using nlohmann::json;
using sdk::Task;

constexpr sdk::RetryPolicy kPatientTrial{.initial_interval = 1s, .maximum_interval = 1min};
constexpr sdk::ActivityOptions kTrialStep{.start_to_close = 10min, .retry = kPatientTrial};

}  // namespace

Task<void> VariantTrials::Prepare() {
  if (prepared_) co_return;
  const PrepareTrialsInput prepare{.window = plan_.window, .trials = plan_.trials};
  PrepareTrialsResult prepared = co_await ctx_.Activity(kPrepareTrials, prepare, kTrialStep);
  prepared_ = std::move(prepared);
}

Task<std::vector<delivery::TrialRun>> VariantTrials::Run(json graph) {
  std::vector<sdk::ChildHandle<json>> children;
  for (const Trial& trial : prepared_->trials) {
    const GraphInput input{.graph = graph,
                           .state = trial.state,
                           .version = "",
                           .dry_run = DryRun{.recorded = trial.recorded, .missing = "run"},
                           .workflow_id = ""};
    const json as_json = input;
    children.push_back(ctx_.StartChild(kGraphWorkflow, as_json));
  }
  std::vector<delivery::TrialRun> runs;
  for (const sdk::ChildHandle<json>& child : children) {
    delivery::TrialRun run;
    try {
      const json ended = co_await child.Result();
      const auto progress = ended.get<GraphProgress>();
      run.output = progress.outputs;
      run.duration_ms = static_cast<double>(progress.path_ms);
      run.cost_usd = progress.cost_usd.PlusAtMost(progress.recorded_cost_usd).usd();
    } catch (const sdk::ChildWorkflowFailure& failure) {
      run.error = failure.what();
    }
    runs.push_back(std::move(run));
  }
  co_return runs;
}

Task<TriedVariant> VariantTrials::Try(std::vector<GraphChange> changes) {
  co_await Prepare();
  if (prepared_->trials.empty()) co_return TriedVariant{.validation = {}, .why_not = prepared_->why};
  const ChangeGraphInput change{.graph = prepared_->graph, .changes = std::move(changes)};
  const ChangeGraphResult changed = co_await ctx_.Activity(kChangeGraph, change, kTrialStep);
  if (!changed.refused.empty()) co_return TriedVariant{.validation = {}, .why_not = changed.refused};
  TriedVariant tried = co_await TryGraph(changed.graph);
  co_return tried;
}

Task<TriedVariant> VariantTrials::TryGraph(json variant) {
  co_await Prepare();
  if (prepared_->trials.empty()) co_return TriedVariant{.validation = {}, .why_not = prepared_->why};
  if (!original_) {
    std::vector<delivery::TrialRun> runs = co_await Run(prepared_->graph);
    original_ = std::move(runs);
  }
  const std::vector<delivery::TrialRun> runs = co_await Run(variant);
  DryRunVariantInput judge{.trials = {},
                           .window = plan_.window,
                           .catalog = plan_.catalog,
                           .equivalence = plan_.equivalence,
                           .constraints = plan_.constraints,
                           .original = prepared_->graph,
                           .variant = variant};
  for (size_t i = 0; i < runs.size(); ++i) {
    judge.trials.push_back({.input = prepared_->trials[i].run_id, .original = original_->at(i), .variant = runs[i]});
  }
  delivery::ValidationResult validation = co_await ctx_.Activity(kDryRunVariant, judge, kTrialStep);
  co_return TriedVariant{.validation = std::move(validation), .why_not = ""};
}

}  // namespace wfe::workflows
