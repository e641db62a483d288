// A workflow as a graph (GW-1): what its nodes do, which keys of the state they read and write, and where each goes on
// to. Plain values: a strategy takes one and returns another, and equal graphs have equal versions.
//
// A run walks from `start`.  After a node, its edges are looked at in their order, and the first whose condition holds
// is taken; a node without edges ends the walk.  `parallel` runs one walk for each of its branches and waits for all of
// them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/record_json.h"

namespace wfe::graph {

// GraphNode::kind.
inline constexpr std::string_view kActivity = "activity";
inline constexpr std::string_view kAgent =
    "agent";  ///< An activity that asks a model; its `model` goes with the input.
inline constexpr std::string_view kParallel =
    "parallel";  ///< Runs its branches at once; the first failure cancels the others.
inline constexpr std::string_view kBatch = "batch";        ///< One call for many inputs: of a list, or of its branches.
inline constexpr std::string_view kDecision = "decision";  ///< Does nothing; its edges decide, or it ends the walk.
inline constexpr std::string_view kChild = "child";        ///< A workflow of the type `activity`.
/// All of them, in this order.
const std::vector<std::string>& NodeKinds();

/// When and how often a failed attempt is repeated.
struct RetrySettings {
  int64_t maximum_attempts = 3;  ///< Counts the first; 0: without a limit.
  double initial_interval_s = 1;
  double backoff = 2;
  double maximum_interval_s = 100;
  std::vector<std::string> non_retryable;  ///< Types of failures that end the retrying.

  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};
WFE_RECORD(RetrySettings, maximum_attempts, initial_interval_s, backoff, maximum_interval_s, non_retryable);
constexpr RecordRules RulesOf(const RetrySettings*) { return {.refuses_unknown = true, .seldom = "non_retryable"}; }

/// How the worker keeps results of a node (ST-18, ST-21).
struct CacheSettings {
  std::string key_strategy = "hash_inputs";  ///< The only one: SHA-256 of the canonical input.
  int64_t ttl_seconds = 3600;
  int64_t max_size = 1000;       ///< Results of this activity type that a worker keeps.
  std::string eviction = "lru";  ///< The only one.
  std::optional<double> expected_hit_rate;

  friend bool operator==(const CacheSettings&, const CacheSettings&) = default;
};
WFE_RECORD(CacheSettings, key_strategy, ttl_seconds, max_size, eviction, expected_hit_rate);
constexpr RecordRules RulesOf(const CacheSettings*) { return {.refuses_unknown = true}; }

struct GraphNode {
  std::string id;
  std::string kind = "activity";
  std::string description;
  std::string activity;                                  ///< Its type; of a child the workflow's type.
  std::string tool;                                      ///< Not empty: goes with the input as "tool".
  std::string model;                                     ///< The same as "model".
  nlohmann::json parameters = nlohmann::json::object();  ///< The input as far as it is the same in every run.
  std::vector<std::string> reads;           ///< Keys of the state that go with the input, each under its own name.
  std::vector<std::string> optional_reads;  ///< The same, for keys that may not be there yet.
  std::vector<std::string> writes;  ///< Keys that the result goes to; of several, each takes the member of its name.
  /// Places in the input (a name, or a JSON pointer) by the place in the state (a JSON pointer) that goes there.
  std::map<std::string, std::string> inputs;
  /// Keys of `writes` by the place in the result (a JSON pointer; "" is all of it) that goes there.
  std::map<std::string, std::string> outputs;
  std::vector<std::string> branches;  ///< Of parallel: where each walk begins.  Of batch: the nodes of one call.
  std::string items;                  ///< Of batch: where in the state the list is (a JSON pointer).
  int64_t batch_size = 1;             ///< Of batch: items of one call.
  int64_t max_concurrent = 1;         ///< Of batch: calls at once.
  double timeout_s = 0;               ///< Of one attempt, 0: ten minutes; of a child of its run, 0: none.
  double heartbeat_s = 0;             ///< Longest silence of an attempt; 0: not watched.
  std::optional<RetrySettings>
      retry;  ///< Absent: three attempts, of an agent without a limit; a child is not repeated.
  std::optional<CacheSettings> cache;
  bool deterministic = false;  ///< The same input gives the same result.
  bool side_effects = false;   ///< Changes something outside of the state: never cached, never run by a dry run.
  int64_t max_iterations = 0;  ///< How often it may run in one walk; 0: it is in no cycle.
  std::string task_queue;      ///< Empty: the run's own.

  friend bool operator==(const GraphNode&, const GraphNode&) = default;
};
WFE_RECORD(GraphNode, id, kind, description, activity, tool, model, parameters, reads, optional_reads, writes, inputs,
           outputs, branches, items, batch_size, max_concurrent, timeout_s, heartbeat_s, retry, cache, deterministic,
           side_effects, max_iterations, task_queue);
constexpr RecordRules RulesOf(const GraphNode*) {
  return {.refuses_unknown = true,
          .seldom =
              "description activity tool model parameters reads optional_reads writes inputs outputs branches items "
              "batch_size max_concurrent timeout_s heartbeat_s deterministic side_effects max_iterations "
              "task_queue"};
}

struct GraphEdge {
  std::string source;
  std::string target;
  std::string condition;  ///< condition.h; empty: it always holds.

  friend bool operator==(const GraphEdge&, const GraphEdge&) = default;
};
WFE_RECORD(GraphEdge, source, target, condition);
constexpr RecordRules RulesOf(const GraphEdge*) { return {.refuses_unknown = true, .seldom = "condition"}; }

struct Graph {
  std::string id;  ///< What it is called; runs of all its versions have it.
  std::string description;
  std::string start;                 ///< The first node.
  std::vector<std::string> inputs;   ///< Keys of the state that whoever starts a run gives.
  std::vector<std::string> outputs;  ///< Keys that are the run's result; empty: all.
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;

  friend bool operator==(const Graph&, const Graph&) = default;
};
WFE_RECORD(Graph, id, description, start, inputs, outputs, nodes, edges);
constexpr RecordRules RulesOf(const Graph*) {
  return {.refuses_unknown = true, .seldom = "description inputs outputs edges"};
}

// Limits, each with a sentence when it is reached.
inline constexpr size_t kMaxNodes = 2'000;
inline constexpr size_t kMaxEdges = 8'000;
inline constexpr size_t kMaxStateKeys = 2'000;
inline constexpr size_t kMaxNesting = 16;          ///< Of parallel nodes in branches of others.
inline constexpr size_t kMaxNameBytes = 100;       ///< Of an id, a key, a type.
inline constexpr int64_t kMaxIterations = 10'000;  ///< GraphNode::max_iterations.
inline constexpr double kMaxTimeoutSeconds = 30.0 * 86'400;
inline constexpr double kDefaultTimeoutSeconds = 600;
inline constexpr size_t kMaxStateBytes = 1 << 20;  ///< The whole state of a run, as JSON.
inline constexpr int64_t kMaxNodeRuns = 5'000;     ///< In one run of a graph: its history must stay below its limit.

/// The node of that id; nullptr: there is none.
const GraphNode* FindNode(const Graph& graph, std::string_view id);

/// The same graph as the one text that stands for it: nodes in the order of their ids, edges in that of their sources
/// (of one source as they were, since that order means something), members as new left out, keys in order, no blanks.
std::string CanonicalJson(const Graph& graph);
/// SHA-256 of that in hexadecimal: the id of this version of the graph.
std::string VersionOf(const Graph& graph);

/// The JSON schema of a graph, as schemas/graph.schema.json has it.
nlohmann::json GraphSchema();

}  // namespace wfe::graph
