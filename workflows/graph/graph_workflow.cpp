#include "workflows/graph/graph_workflow.h"

#include <algorithm>

#include "activities/graph/read_graph.h"
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
  if (!input.dry_run) return;
  RequireOfRecord(input.dry_run->missing == "run" || input.dry_run->missing == "fail",
                  "input.dry_run.missing must be run or fail");
}

Task<GraphProgress> RunGraph(sdk::WorkflowContext& ctx, json from) {
  GraphInput input = ReadInput(from);
  from = nullptr;  // a graph may be large, and it is in the run's own form below
  graph::Graph graph = ReadGraph(ctx, input.graph);
  auto progress = std::make_shared<GraphProgress>();
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
  const json memo = {{"graph", graph.id}, {"graph_version", progress->version}};
  ctx.UpsertMemo(memo);
  const auto run =
      std::make_shared<GraphRun>(ctx, std::move(graph), std::move(input.state), std::move(input.dry_run), progress);
  co_await run->Run();
  co_return *progress;
}

void RegisterGraphWorkflow(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kGraphWorkflow), &RunGraph);
}

}  // namespace wfe::workflows
