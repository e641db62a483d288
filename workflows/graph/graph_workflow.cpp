#include "workflows/graph/graph_workflow.h"

#include <algorithm>

#include "activities/delivery/steps/rollout_steps.h"
#include "activities/graph/read_graph.h"
#include "activities/optimizer/profile/record_run.h"
#include "engine/base/parse_json.h"
#include "engine/base/suggest.h"
#include "workflows/graph/graph_run.h"

namespace wfe::workflows {
namespace {

using nlohmann::json;
using sdk::Task;

[[noreturn]] void Refuse(const std::string& sentence) { throw sdk::WorkflowFailure(sentence, "INVALID_INPUT", true); }

GraphInput ReadInput(const json& from) {
  try {
    return from.get<GraphInput>();
  } catch (const json::exception& e) {
    Refuse("the input of GraphWorkflow is not valid: " + JsonErrorText(e));
  }
}

/// Judged once in the life of the run: a later version of the validator may think otherwise, and the run goes on.
std::vector<graph::Mistake> MistakesOf(sdk::WorkflowContext& ctx, const json& from) {
  constexpr size_t kMaxRecorded = 20;
  return ctx.SideEffect([&from] {
    graph::Mistakes mistakes;
    const auto read = graph::CheckGraph(from, {}, mistakes);
    std::vector<graph::Mistake> told = std::move(mistakes.told);
    if (told.size() > kMaxRecorded) told.resize(kMaxRecorded);
    return told;
  });
}

graph::Graph ReadGraph(sdk::WorkflowContext& ctx, const json& from) {
  const std::vector<graph::Mistake> mistakes = MistakesOf(ctx, from);
  if (!mistakes.empty()) {
    throw sdk::WorkflowFailure(
        {.message = "the graph cannot be run: " + mistakes.front().message + (mistakes.size() > 1 ? " (and more)" : ""),
         .type = "INVALID_GRAPH",
         .non_retryable = true,
         .details = mistakes});
  }
  graph::Mistakes ignored;
  std::optional<graph::Graph> read = graph::ReadGraph(from, ignored);
  if (!read) Refuse("the graph cannot be read: " + (ignored.empty() ? "" : ignored.told.front().message));
  return *std::move(read);
}

/// The state that a run begins with is what the graph takes, no less and no more.
void CheckState(const graph::Graph& graph, const json& state) {
  for (const std::string& key : graph.inputs) {
    if (!state.contains(key)) Refuse("input.state lacks " + key + ", which graph " + graph.id + " takes");
  }
  for (const auto& [key, value] : state.items()) {
    if (std::ranges::find(graph.inputs, key) == graph.inputs.end()) {
      Refuse("input.state." + key + " is none of the inputs of graph " + graph.id + DidYouMean(key, graph.inputs));
    }
  }
}

}  // namespace

void CheckRecord(const GraphInput& input) {
  RequireOfRecord(input.state.is_object(), "input.state must be an object");
  const bool managed = !input.workflow_id.empty();
  RequireOfRecord(managed || !input.graph.is_null(), "input.graph is missing");
  RequireOfRecord(!managed || input.graph.is_null(), "input.graph and input.workflow_id must not both be given");
  RequireOfRecord(!managed || (input.version.empty() && !input.dry_run),
                  "input.version and input.dry_run are for runs with their own graph");
  if (!input.dry_run) return;
  RequireOfRecord(input.dry_run->missing == "run" || input.dry_run->missing == "fail",
                  "input.dry_run.missing must be run or fail");
}

namespace {

/// One run of `input.graph`, wherever it came from.
Task<void> RunOnce(sdk::WorkflowContext& ctx, GraphInput input, std::shared_ptr<GraphProgress> progress) {
  graph::Graph graph = ReadGraph(ctx, input.graph);
  input.graph = nullptr;  // a graph may be large, and it is in the run's own form below
  progress->graph_id = graph.id;
  progress->version = graph::VersionOf(graph);
  progress->status = "running";
  progress->dry_run = input.dry_run.has_value();
  ctx.OnQuery<json, json>("progress", progress, [](const GraphProgress& p, const json&) { return json(p); });
  if (!input.version.empty() && input.version != progress->version) {
    Refuse("graph " + graph.id + " is version " + progress->version + ", not " + input.version +
           " as input.version says");
  }
  CheckState(graph, input.state);
  json memo = {{"graph", graph.id}, {"graph_version", progress->version}};
  if (!progress->workflow_id.empty()) {
    memo["workflow"] = progress->workflow_id;
    memo["workflow_version"] = progress->version_id;
  }
  ctx.UpsertMemo(memo);
  const auto run =
      std::make_shared<GraphRun>(ctx, std::move(graph), std::move(input.state), std::move(input.dry_run), progress);
  co_await run->Run();
}

/// The version that the run gets and keeps; its graph is part of the history from here on.
Task<delivery::RunVersion> Choose(sdk::WorkflowContext& ctx, std::string workflow_id) {
  const delivery::ChooseVersionInput input{.workflow_id = workflow_id,
                                           .run_id = ctx.info().run_id,
                                           .now = FormatIso8601Millis(ctx.Now()),
                                           .with_content = true};
  constexpr std::string_view kFinal[] = {"NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "DATA_LOSS"};
  sdk::ActivityOptions options;
  options.activity_id = "chooseVersion#";  // no node has such a name
  options.start_to_close = std::chrono::seconds(30);
  options.retry = {.maximum_interval = std::chrono::seconds(10), .maximum_attempts = 20, .non_retryable_types = kFinal};
  delivery::RunVersion chosen;
  std::optional<sdk::ActivityFailure> fault;
  try {
    chosen = co_await ctx.Activity(delivery::kChooseVersion, input, options);
  } catch (const sdk::ActivityFailure& failure) {
    fault = failure;
  }
  if (fault) {
    const std::string sentence = "no version of " + workflow_id + " could be had: " + fault->message();
    throw sdk::WorkflowFailure(sentence, "NO_VERSION", true);
  }
  co_return chosen;
}

/// A run that cannot be recorded has done its work all the same.
Task<void> Record(sdk::WorkflowContext& ctx, std::shared_ptr<GraphProgress> progress, std::string error_type) {
  const optimizer::RecordRunInput input{.workflow_id = progress->workflow_id,
                                        .version_id = progress->version_id,
                                        .ended_at = FormatIso8601Millis(ctx.Now()),
                                        .success = progress->status == "completed",
                                        .error_type = error_type};
  constexpr std::string_view kFinal[] = {"INVALID_ARGUMENT", "FAILED_PRECONDITION"};
  sdk::ActivityOptions options;
  options.activity_id = "recordRun#";
  options.start_to_close = std::chrono::seconds(60);
  options.schedule_to_close = std::chrono::minutes(10);
  options.retry = {.maximum_interval = std::chrono::seconds(10), .maximum_attempts = 10, .non_retryable_types = kFinal};
  try {
    co_await ctx.Activity(optimizer::kRecordRun, input, options);
  } catch (const sdk::ActivityFailure& failure) {
    progress->not_recorded = failure.message();
  } catch (const sdk::CancelledFailure&) {
    progress->not_recorded = "the run was cancelled while it was recorded";
  }
}

Task<void> RunManaged(sdk::WorkflowContext& ctx, GraphInput input, std::shared_ptr<GraphProgress> progress) {
  Task<delivery::RunVersion> choosing = Choose(ctx, input.workflow_id);
  delivery::RunVersion chosen = co_await choosing;
  progress->workflow_id = chosen.workflow_id;
  progress->version_id = chosen.version_id;
  input.graph = std::move(chosen.content);
  std::exception_ptr fault;
  std::string error_type;
  bool cancelled = false;
  try {
    Task<void> once = RunOnce(ctx, std::move(input), progress);
    co_await once;
  } catch (const sdk::CancelledFailure&) {
    fault = std::current_exception();
    cancelled = true;
  } catch (const sdk::WorkflowFailure& failure) {
    fault = std::current_exception();
    error_type = failure.type();
  } catch (const sdk::WorkflowException&) {
    fault = std::current_exception();
  }
  if (fault && !cancelled) progress->status = "failed";
  // What was given was wrong, and not the version.
  const bool counts = !cancelled && error_type != "INVALID_INPUT";
  if (counts) {
    Task<void> recorded = Record(ctx, progress, std::move(error_type));
    co_await recorded;
  }
  if (fault) std::rethrow_exception(fault);
}

}  // namespace

Task<GraphProgress> RunGraph(sdk::WorkflowContext& ctx, json from) {
  GraphInput input = ReadInput(from);
  from = nullptr;
  auto progress = std::make_shared<GraphProgress>();
  const bool managed = !input.workflow_id.empty();
  Task<void> run = managed ? RunManaged(ctx, std::move(input), progress) : RunOnce(ctx, std::move(input), progress);
  co_await run;
  co_return *progress;
}

void RegisterGraphWorkflow(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kGraphWorkflow), &RunGraph);
}

}  // namespace wfe::workflows
