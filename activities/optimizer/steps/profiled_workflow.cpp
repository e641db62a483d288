#include "activities/optimizer/steps/profiled_workflow.h"

#include <algorithm>
#include <chrono>

#include "activities/graph/read_graph.h"
#include "activities/optimizer/profile/find_bottlenecks.h"
#include "activities/optimizer/profile/profile_builder.h"
#include "engine/base/parse_json.h"

namespace wfe::optimizer {
namespace {

Result<ProfiledWorkflow> ProfileOf(client::RecordsClient& records, const delivery::VersionState& state, int version,
                                   std::vector<delivery::ExecutionRecord> executions, const BottleneckRules& rules,
                                   const Catalog& catalog) {
  ProfiledWorkflow workflow;
  workflow.window = {.workflow_id = state.workflow_id,
                     .version = version,
                     .version_id = delivery::VersionId(state.workflow_id, version),
                     .from = "",
                     .to = "",
                     .executions = static_cast<int64_t>(executions.size())};
  if (executions.empty()) {
    return FailedPrecondition(workflow.window.version_id +
                              " has no executions yet; runs of it that end leave one each (docs/optimizer.md)");
  }
  workflow.window.from = FormatIso8601Millis(EndOf(executions.front()));
  workflow.window.to = FormatIso8601Millis(EndOf(executions.back()) + std::chrono::milliseconds(1));
  WFE_ASSIGN_OR_RETURN(workflow.content, delivery::VersionStore(records).Content(state, version));
  WFE_ASSIGN_OR_RETURN(workflow.graph, GraphOf(workflow.content));
  ProfileBuilder builder({.workflow_id = state.workflow_id,
                          .version_id = workflow.window.version_id,
                          .graph = workflow.GraphOrNull(),
                          .catalog = &catalog});
  for (const delivery::ExecutionRecord& execution : executions) WFE_RETURN_IF_ERROR(builder.Add(execution));
  WFE_ASSIGN_OR_RETURN(workflow.profile, builder.Finish());
  FindBottlenecks(workflow.profile, workflow.GraphOrNull(), catalog, rules);
  workflow.executions = std::move(executions);
  return workflow;
}

Result<std::vector<delivery::ExecutionRecord>> ExecutionsOf(client::RecordsClient& records,
                                                            const std::string& workflow_id,
                                                            const std::string& version_id, Instant from, Instant to,
                                                            learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(auto executions, delivery::LoadExecutions(records, workflow_id, from, to, problems));
  std::erase_if(executions, [&](const auto& execution) { return execution.version_id != version_id; });
  return executions;
}

}  // namespace

Result<std::optional<graph::Graph>> GraphOf(const std::string& content) {
  const nlohmann::json json = ParseJson(content, kMaxStoredJsonDepth);
  if (!json.is_object() || !json.contains("nodes")) return std::optional<graph::Graph>();
  graph::Mistakes mistakes;
  std::optional<graph::Graph> graph = graph::ReadGraph(json, mistakes);
  if (graph) return graph;
  return DataLoss("the version's graph cannot be read: " +
                  (mistakes.empty() ? std::string("it is none") : mistakes.told.front().message));
}

Result<ProfiledWorkflow> ProfileLast(client::RecordsClient& records, const std::string& workflow_id, int64_t count,
                                     const BottleneckRules& rules, const Catalog& catalog, Instant now,
                                     learning::RowProblems& problems) {
  WFE_ASSIGN_OR_RETURN(const auto state, delivery::VersionStore(records).Get(workflow_id));
  const std::string version_id = delivery::VersionId(workflow_id, state.in_service);
  // Most often the last days have enough of them; else all there are.
  std::vector<delivery::ExecutionRecord> executions;
  for (const Instant from : {now - std::chrono::days(7), Instant()}) {
    learning::RowProblems found;
    WFE_ASSIGN_OR_RETURN(executions, ExecutionsOf(records, workflow_id, version_id, from,
                                                  now + std::chrono::milliseconds(1), found));
    problems = found;
    if (static_cast<int64_t>(executions.size()) >= count) break;
  }
  if (static_cast<int64_t>(executions.size()) > count) executions.erase(executions.begin(), executions.end() - count);
  return ProfileOf(records, state, state.in_service, std::move(executions), rules, catalog);
}

Result<ProfiledWorkflow> ProfileAgain(client::RecordsClient& records, const ProfileWindow& window,
                                      const BottleneckRules& rules, const Catalog& catalog,
                                      learning::RowProblems& problems) {
  const auto from = ParseIso8601(window.from);
  const auto to = ParseIso8601(window.to);
  if (!from || !to) return InvalidArgument("the window from " + window.from + " to " + window.to + " is none");
  WFE_ASSIGN_OR_RETURN(const auto state, delivery::VersionStore(records).Get(window.workflow_id));
  WFE_ASSIGN_OR_RETURN(auto executions,
                       ExecutionsOf(records, window.workflow_id, window.version_id, *from, *to, problems));
  return ProfileOf(records, state, window.version, std::move(executions), rules, catalog);
}

}  // namespace wfe::optimizer
