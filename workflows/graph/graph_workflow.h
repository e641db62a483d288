// GraphWorkflow: runs any graph (activities/graph/graph.h) as one durable workflow (GW-1).  The graph is part of the
// run's input, so a run keeps the version it began with, whatever becomes of the graph (EN-10).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/graph/recorded_result.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

inline constexpr std::string_view kGraphWorkflow = "GraphWorkflow";

/// Where inputs are the same, results are taken from records and nothing is run (VA-5).
struct DryRun {
  std::vector<graph::RecordedResult> recorded;
  /// "run": what is not recorded is run, but for nodes with side effects; "fail": nothing is run.
  std::string missing = "run";
};
WFE_RECORD(DryRun, recorded, missing);
constexpr RecordRules RulesOf(const DryRun*) { return {.refuses_unknown = true}; }

/// Of `graph` and `workflow_id` one is given.  A run of a managed workflow asks at its start which version it gets
/// (chooseVersion, EN-10) and leaves the record of its execution at its end (recordRun), also when it failed; one that
/// was cancelled, or was given a state that its graph does not take, leaves none.  A run with its own graph does
/// neither.
struct GraphInput {
  nlohmann::json graph;                             ///< As schemas/graph.schema.json has it.
  nlohmann::json state = nlohmann::json::object();  ///< The graph's `inputs`.
  std::string version;                              ///< Not empty: the graph must be this version.
  std::optional<DryRun> dry_run;
  std::string workflow_id;  ///< A name in the table of versions (activities/delivery/records/version_store.h).
};
WFE_RECORD(GraphInput, graph, state, version, dry_run, workflow_id);
constexpr RecordRules RulesOf(const GraphInput*) {
  return {.refuses_unknown = true, .subject = "input", .seldom = "version workflow_id"};
}
void CheckRecord(const GraphInput& input);

/// One node, all its runs together.
struct NodeProgress {
  std::string id;
  std::string status;      ///< running, done, failed or cancelled: of its last run.
  int64_t runs = 0;        ///< That began.
  int64_t calls = 0;       ///< Of activities and children: more than runs in a batch.
  int64_t from_cache = 0;  ///< Of the calls: answered by a worker's cache.
  int64_t recorded = 0;    ///< Of the calls: answered by the records of a dry run.
  int64_t duration_ms = 0;
  Money cost_usd;  ///< As results say it ("cost_usd", or in "cost"); what came from a cache or a record costs nothing.
  int64_t tokens = 0;
};
WFE_RECORD(NodeProgress, id, status, runs, calls, from_cache, recorded, duration_ms, cost_usd, tokens);
constexpr RecordRules RulesOf(const NodeProgress*) { return {.seldom = "from_cache recorded"}; }

struct GraphProgress {
  std::string graph_id;
  std::string version;
  std::string status;                ///< running, completed, failed or cancelled.
  std::string message;               ///< Why it failed.
  std::vector<std::string> running;  ///< Ids of the nodes that run now.
  std::vector<NodeProgress> nodes;   ///< In the order in which they began.
  int64_t node_runs = 0;
  int64_t duration_ms = 0;
  /// Of the nodes one after the other, of branches the longest: what the run takes if nothing waits.  Recorded results
  /// count with the time that they took when they were recorded.
  int64_t path_ms = 0;
  Money cost_usd;
  Money recorded_cost_usd;  ///< Of a dry run: what its recorded results cost when they were recorded.
  int64_t tokens = 0;
  int64_t state_bytes = 0;
  bool dry_run = false;
  nlohmann::json outputs;  ///< Of a completed run: the graph's `outputs`, or the whole state.
  std::string workflow_id;   ///< Of a managed workflow; so is version_id.
  std::string version_id;    ///< "report_v3": the one that the run got.
  std::string not_recorded;  ///< Why the run could not leave its record; the run itself is as good without.
};
WFE_RECORD(GraphProgress, graph_id, version, status, message, running, nodes, node_runs, duration_ms, path_ms, cost_usd,
           recorded_cost_usd, tokens, state_bytes, dry_run, outputs, workflow_id, version_id, not_recorded);
constexpr RecordRules RulesOf(const GraphProgress*) {
  return {.seldom = "message running recorded_cost_usd dry_run outputs workflow_id version_id not_recorded"};
}

/// Query `progress`: a GraphProgress as far as it is known.  Its memo has "graph" and "graph_version", and of a managed
/// workflow "workflow" and "workflow_version".
/// Fails, not retryable, with
///   INVALID_INPUT   the input, or the state that it gives, is not what the graph takes
///   INVALID_GRAPH   details: the mistakes (activities/graph/mistake.h)
///   NO_WAY_ON       no edge of a node that has some could be taken
///   BAD_CONDITION   a condition has no answer: what it reads is not there, or is of another kind
///   BAD_RESULT      a result has not what its node is to write
///   BAD_STATE       the state has not what a node is to read
///   STATE_TOO_LARGE, TOO_MANY_NODE_RUNS
///   NOT_RECORDED    of a dry run
///   NO_VERSION      of a managed workflow: its version could not be had, for example since there is no such workflow
/// and with the type of the activity or child that failed for good.
sdk::Task<GraphProgress> RunGraph(sdk::WorkflowContext& ctx, nlohmann::json input);

void RegisterGraphWorkflow(sdk::WorkflowRegistry& registry);

}  // namespace wfe::workflows
