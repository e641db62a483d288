#include "tools/demo/optimizer_demo.h"

#include <algorithm>
#include <chrono>

#include "engine/base/parse_json.h"
#include "workflows/delivery/monitor_workflow.h"

namespace wfe::demo {

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr int kRunsAnHour = 240;
constexpr int64_t kProfiled = 50;

/// Waits, under traffic, until the session is in this phase, or has ended.
Status UntilPhase(OptimizerWorld& world, std::string_view phase, Duration patience) {
  const Instant until = world.Now() + patience;
  while (world.Now() < until) {
    const optimizer::SessionState state = world.Session(kDemoSession).state;
    if (state.phase == phase) return Ok();
    if (state.ended()) return Internal("the session has ended: " + state.outcome + ", " + state.why);
    WFE_RETURN_IF_ERROR(world.Live(kDemoWorkflow, 10min, kRunsAnHour));
  }
  return Internal("the session is not " + std::string(phase) + " in the time for it");
}

/// What a person would take who wants to change one thing of each kind.
std::vector<std::string> Choose(const optimizer::SessionState& state) {
  std::vector<std::string> ids;
  for (const std::string_view strategy :
       {optimizer::kParallelization, optimizer::kModelSelection, optimizer::kCaching}) {
    for (const optimizer::SessionCandidate& candidate : state.candidates) {
      const bool rejected = candidate.validation && candidate.validation->recommendation == delivery::kReject;
      if (candidate.suggestion.strategy_type != strategy || rejected) continue;
      ids.push_back(candidate.suggestion.suggestion_id);
      break;
    }
  }
  return ids;
}

Status FirstAct(OptimizerWorld& world, const OptimizerDemoOptions& options) {
  const json graph = ParseJson(options.graph);
  WFE_RETURN_IF_ERROR(world.AddVersion(kDemoWorkflow, graph, "as it is"));
  // Some tasks come again, so calls of the deterministic step do as well.
  world.state = [](int64_t run) { return json{{"task", "feature " + std::to_string(run % 7)}}; };
  options.say("half an hour of runs of " + std::string(kDemoWorkflow) + "_v0, the original");
  WFE_RETURN_IF_ERROR(world.Live(kDemoWorkflow, 30min, kRunsAnHour));

  workflows::SessionInput session{.session_id = kDemoSession,
                                  .workflow_id = kDemoWorkflow,
                                  .options = {},
                                  .author = "demo",
                                  .reason = "it takes three quarters of a minute",
                                  .progress = {}};
  session.options.executions = kProfiled;
  session.options.seed = options.seed;
  session.options.catalog = DemoCatalog();
  session.options.equivalence.kind = delivery::kSchema;  // what models say differs from run to run
  session.options.experiment.share = 0.5;
  session.options.experiment.min_samples = 100;
  const std::string id = workflows::SessionWorkflowId(kDemoWorkflow);
  WFE_RETURN_IF_ERROR(world.Start(workflows::kOptimizerSession, id, session));
  options.say("a session profiles the last 50 of them, proposes changes and tries each on recorded runs");
  WFE_RETURN_IF_ERROR(UntilPhase(world, "waiting", 2h));
  const std::vector<std::string> chosen = Choose(world.Session(kDemoSession).state);
  if (chosen.empty()) return Internal("the session proposes nothing that could be approved");
  const workflows::SessionDecision decision{.request_id = "demo",
                                            .action = "approve",
                                            .suggestions = chosen,
                                            .author = "demo",
                                            .reason = "one of each kind",
                                            .rating = 5};
  WFE_RETURN_IF_ERROR(world.Signal(id, workflows::kSessionDecisionSignal, decision));
  options.say(std::to_string(chosen.size()) + " suggestions are approved: they become one version, which meets live runs");
  WFE_RETURN_IF_ERROR(UntilPhase(world, "ended", 72h));
  const optimizer::SessionState state = world.Session(kDemoSession).state;
  options.say("the session has ended: " + state.outcome + ", " + state.why);
  return Ok();
}

/// A change that was made by hand, past all gates: the monitor is what is left.
Status SecondAct(OptimizerWorld& world, const OptimizerDemoOptions& options) {
  delivery::VersionStore store(world.records());
  const delivery::VersionState before = world.Versions(kDemoWorkflow);
  WFE_ASSIGN_OR_RETURN(const std::string content, store.Content(before, before.in_service));
  json graph = ParseJson(content);
  for (json& node : graph["nodes"]) {
    if (node["id"] == "implement") node["parameters"]["duration_ms"] = 25'000;
  }
  WFE_ASSIGN_OR_RETURN(const int worse, world.AddVersion(kDemoWorkflow, graph, "a prompt with more examples"));
  WFE_RETURN_IF_ERROR(
      store.Activate(kDemoWorkflow, worse, {.author = "demo", .reason = "a prompt with more examples", .at = world.Time()}));
  options.say(delivery::VersionId(kDemoWorkflow, worse) + " is put in service by hand; it is slower than anybody thought");
  for (int i = 0; i < 24 && world.Versions(kDemoWorkflow).in_service == worse; ++i) {
    WFE_RETURN_IF_ERROR(world.Live(kDemoWorkflow, 15min, kRunsAnHour));
  }
  const delivery::VersionState after = world.Versions(kDemoWorkflow);
  if (after.in_service == worse) return Internal("nobody has taken back a version that hurts");
  options.say(delivery::VersionId(kDemoWorkflow, after.in_service) + " is in service again: " + after.changed_reason);
  return Ok();
}

}  // namespace

optimizer::Catalog DemoCatalog() {
  optimizer::Catalog catalog;
  catalog.tools = {{.tool_id = "hosted_search", .capabilities = {"code_search"}, .cost_tier = "high"},
                   {.tool_id = "local_search",
                    .capabilities = {"code_search"},
                    .cost_tier = "free",
                    .avg_cost = 0.0,
                    .avg_duration = 0.9,
                    .success_rate = 0.99},
                   {.tool_id = "embed", .capabilities = {"embedding"}, .cost_tier = "low", .deterministic = true}};
  catalog.models = {{.tier = "small", .model = "small", .input_usd_per_mtok = 0.1, .output_usd_per_mtok = 0.4, .relative_time = 0.35},
                    {.tier = "medium", .model = "medium", .input_usd_per_mtok = 0.5, .output_usd_per_mtok = 2, .relative_time = 0.6},
                    {.tier = "large", .model = "large", .input_usd_per_mtok = 2, .output_usd_per_mtok = 8, .relative_time = 1}};
  return catalog;
}

Status RunOptimizerDemo(OptimizerWorld& world, const OptimizerDemoOptions& options) {
  WFE_RETURN_IF_ERROR(world.Boot());
  WFE_RETURN_IF_ERROR(FirstAct(world, options));
  return options.planted_regression ? SecondAct(world, options) : Ok();
}

}  // namespace wfe::demo
